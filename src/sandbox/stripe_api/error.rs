//! Errors as Stripe's API words them: a status and an `error` object.

use serde_json::{Value, json};

/// A refusal that a client gets to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    message: String,
    param: Option<String>,
}

pub(super) type ApiResult<T = Value> = Result<T, ApiError>;

impl ApiError {
    /// A request that is wrong as a whole.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { status: 400, kind: "invalid_request_error", code: None, message: message.into(), param: None }
    }

    /// A request in which one parameter is wrong.
    pub(super) fn param(code: &'static str, param: impl Into<String>, message: impl Into<String>) -> Self {
        // Some refusals of Stripe's name a parameter and carry no code.
        Self {
            code: Some(code).filter(|code| !code.is_empty()),
            param: Some(param.into()),
            ..Self::invalid(message)
        }
    }

    pub(super) fn missing(param: &str) -> Self {
        Self::param("parameter_missing", param, format!("Missing required param: {param}."))
    }

    pub(super) fn unknown_object(kind: &str, id: &str, param: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self { status: 404, ..Self::param("resource_missing", param, message) }
    }

    pub(super) fn unknown_url(method: &str, path: &str) -> Self {
        Self { status: 404, ..Self::invalid(format!("Unrecognized request URL ({method}: {path}).")) }
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self { status: 401, ..Self::invalid(message) }
    }

    /// A card was charged at once and refused.
    pub(super) fn card_declined(message: &str) -> Self {
        Self { status: 402, kind: "card_error", code: Some("card_declined"), ..Self::invalid(message) }
    }

    /// The same key came with other parameters.
    pub(super) fn key_reused(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. \
             Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self { kind: "idempotency_error", ..Self::invalid(message) }
    }

    /// What a test asked the server to answer, or a failure of the sandbox itself.
    pub(super) fn server(status: u16, message: impl Into<String>) -> Self {
        let kind = match status {
            409 => "idempotency_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        let code = match status {
            409 => Some("idempotency_key_in_use"),
            429 => Some("rate_limit"),
            _ => None,
        };
        Self { status, kind, code, ..Self::invalid(message) }
    }

    pub(super) fn body(&self) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(code) = self.code {
            error["code"] = json!(code);
            error["doc_url"] =
                json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")));
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        json!({ "error": error })
    }
}
