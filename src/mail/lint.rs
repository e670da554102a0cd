//! Reads the templates as trees and finds what strict mode does not: `{{#if typo}}` is simply never true.

use std::{collections::BTreeSet, fmt};

use handlebars::{
    Handlebars, Template,
    template::{DecoratorTemplate, HelperTemplate, Parameter, TemplateElement},
};
use serde_json::Value;

use super::{
    contexts::{
        AddressChangeNew, AddressChangeOld, AddressChanged, AddressIsKnown, AddressTakenBack, AlreadyReader,
        CardExpiring, ChoicesLink, ConfirmSubscription, CopiesCameBack, CopyOfData, DebitRevoked,
        EditionHeld, EditionPaused, EmailTemplate, EraseRequest, FormClosed, GiftFailed, GiftReturned,
        GiftsLink, GiftsStatement, GoodBye, JobStopped, MoneyNews, MonthlyChanged, MonthlyNotEnded,
        NewGiftAddress, NothingTaken, Paused, PaymentAction, PaymentFailed, PaymentFailedAgain, Receipt,
        RecurringCancelled, SignInLink, SignInRefused, SomethingWrong, TeamInvite, Welcome, WorkGivenUp,
        YearlyNotice,
    },
    digest::TestCopy,
    templates::{Templates, mjml_file, subject_file, text_file},
};

/// The size at which Gmail cuts a mail off and hides the rest, in bytes.
const GMAIL_CLIPS_AT: usize = 102 * 1024;

/// Something wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintProblem {
    /// The template's file, relative to `email_templates/`.
    pub file: String,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl fmt::Display for LintProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.message)
    }
}

/// Every mail the house sends, with its sample as JSON.
pub(super) fn samples() -> Vec<(&'static str, Value)> {
    fn sample<T: EmailTemplate>() -> (&'static str, Value) {
        (T::NAME, serde_json::to_value(T::sample()).unwrap_or_default())
    }
    vec![
        // A test copy is a digest with its personal fields.
        sample::<TestCopy<'_>>(),
        sample::<ConfirmSubscription>(),
        sample::<AlreadyReader>(),
        sample::<AddressChangeOld>(),
        sample::<AddressChangeNew>(),
        sample::<AddressIsKnown>(),
        sample::<AddressChanged>(),
        sample::<AddressTakenBack>(),
        sample::<Welcome>(),
        sample::<CopyOfData>(),
        sample::<EraseRequest>(),
        sample::<ChoicesLink>(),
        sample::<Paused>(),
        sample::<GoodBye>(),
        sample::<Receipt>(),
        sample::<SignInLink>(),
        sample::<TeamInvite>(),
        sample::<PaymentFailed>(),
        sample::<PaymentFailedAgain>(),
        sample::<PaymentAction>(),
        sample::<GiftFailed>(),
        sample::<CardExpiring>(),
        sample::<DebitRevoked>(),
        sample::<NewGiftAddress>(),
        sample::<YearlyNotice>(),
        sample::<MonthlyChanged>(),
        sample::<GiftsLink>(),
        sample::<GiftsStatement>(),
        sample::<RecurringCancelled>(),
        sample::<MonthlyNotEnded>(),
        sample::<GiftReturned>(),
        sample::<MoneyNews>(),
        sample::<EditionHeld>(),
        sample::<EditionPaused>(),
        sample::<JobStopped>(),
        sample::<FormClosed>(),
        sample::<SomethingWrong>(),
        sample::<SignInRefused>(),
        sample::<CopiesCameBack>(),
        sample::<NothingTaken>(),
        sample::<WorkGivenUp>(),
    ]
}

impl Templates {
    /// Everything wrong with the templates, empty if nothing is: paths that lead nowhere, personal fields where they
    /// cannot be filled, mails that do not render from their sample.
    #[must_use]
    pub fn check(&self) -> Vec<LintProblem> {
        let (text, mjml) = self.registries();
        let mut problems = Vec::new();
        let samples = samples();
        for name in self.names().iter().filter(|name| samples.iter().all(|(known, _)| known != name)) {
            problems.push(LintProblem { file: name.clone(), message: "no mail has this name".into() });
        }
        for (name, sample) in &samples {
            let before = problems.len();
            let shape = united(sample);
            for (registry, file) in
                [(text, subject_file(name)), (text, text_file(name)), (mjml, mjml_file(name))]
            {
                let mut reader = Reader { registry, file: &file, root: &shape, found: BTreeSet::new() };
                match registry.get_template(&file) {
                    Some(template) => reader.template(template, &[&shape]),
                    None => reader.report("the file is missing".into()),
                }
                let found = reader.found;
                problems.extend(found.into_iter().map(|message| LintProblem { file: file.clone(), message }));
            }
            if problems.len() > before {
                continue;
            }
            let file = mjml_file(name);
            match self.render_json(name, sample) {
                Err(error) => problems.push(LintProblem { file, message: error.to_string() }),
                Ok(rendered) if rendered.html.len() > GMAIL_CLIPS_AT => {
                    problems.push(LintProblem {
                        file,
                        message: "the HTML is so large that Gmail cuts it off".into(),
                    });
                }
                Ok(_) => {}
            }
        }
        problems
    }
}

/// A sample with one item in each list, which holds whatever any of its items does: not each block of a digest has every value.
fn united(sample: &Value) -> Value {
    match sample {
        Value::Array(items) => {
            let item = items.iter().map(united).reduce(|mut all, one| {
                unite(&mut all, one);
                all
            });
            Value::Array(item.into_iter().collect())
        }
        Value::Object(values) => {
            Value::Object(values.iter().map(|(name, value)| (name.clone(), united(value))).collect())
        }
        single => single.clone(),
    }
}

fn unite(all: &mut Value, one: Value) {
    match (all, one) {
        (Value::Object(all), Value::Object(one)) => {
            for (name, value) in one {
                unite(all.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(all), Value::Array(one)) => {
            for value in one {
                match all.first_mut() {
                    Some(first) => unite(first, value),
                    None => all.push(value),
                }
            }
        }
        (all @ Value::Null, one) => *all = one,
        _ => {}
    }
}

/// Walks one template, and the parts it includes, with the values in scope beside it.
struct Reader<'a> {
    registry: &'a Handlebars<'static>,
    file: &'a str,
    root: &'a Value,
    found: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn report(&mut self, message: String) {
        self.found.insert(message);
    }

    /// `scope` holds the contexts from the outermost to the present one.
    fn template(&mut self, template: &'a Template, scope: &[&'a Value]) {
        for element in &template.elements {
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(expression) => self.expression(expression, scope),
                TemplateElement::HtmlExpression(expression) => {
                    let name = expression.name.as_name().unwrap_or_default();
                    self.report(format!("{{{{{{{name}}}}}}} would be written without escaping"));
                }
                TemplateElement::HelperBlock(block) => self.block(block, scope),
                TemplateElement::PartialExpression(part) | TemplateElement::PartialBlock(part) => {
                    self.part(part, scope);
                }
                _ => self.report("decorators are not used in emails".into()),
            }
        }
    }

    fn expression(&mut self, expression: &'a HelperTemplate, scope: &[&'a Value]) {
        let Some(path) = expression.name.as_name() else {
            return self.report("an expression without a name".into());
        };
        if !expression.params.is_empty() || !expression.hash.is_empty() {
            return self.report(format!("there is no helper named {path:?}"));
        }
        if path.starts_with("personal") && self.file.ends_with("/subject.txt.hbs") {
            self.report(format!("{{{{{path}}}}}: the subject is the same for everyone"));
        }
        match self.resolve(path, scope) {
            Found::Value(Value::Object(_) | Value::Array(_)) => {
                self.report(format!("{{{{{path}}}}} is not a single value"));
            }
            Found::Value(_) | Found::Local => {}
            Found::Nothing => self.report(format!("{{{{{path}}}}} leads nowhere")),
        }
    }

    fn block(&mut self, block: &'a HelperTemplate, scope: &[&'a Value]) {
        let name = block.name.as_name().unwrap_or_default();
        let [Parameter::Path(_)] = block.params.as_slice() else {
            return self.report(format!("{{{{#{name}}}}} takes one path"));
        };
        let path = block.params.first().and_then(Parameter::as_name).unwrap_or_default();
        if path.starts_with("personal") {
            self.report(format!(
                "{{{{#{name} {path}}}}}: everyone gets the same body, so a personal field cannot decide"
            ));
        }
        let found = self.resolve(path, scope);
        if matches!(found, Found::Nothing) {
            return self.report(format!("{{{{#{name} {path}}}}} leads nowhere"));
        }
        let inner = match (name, found) {
            ("if" | "unless", _) => None,
            ("each", Found::Value(Value::Array(items))) => match items.first() {
                Some(first) => Some(first),
                None => return self.report(format!("{{{{#each {path}}}}}: the sample has no item")),
            },
            ("with", Found::Value(value @ Value::Object(_))) => Some(value),
            // What the sample leaves out here it holds elsewhere, where the same part is read.
            ("with", Found::Value(Value::Null)) => return,
            ("each", _) => return self.report(format!("{{{{#each {path}}}}} is not a list")),
            ("with", _) => return self.report(format!("{{{{#with {path}}}}} is not a group of values")),
            _ => return self.report(format!("there is no block named {name:?}")),
        };
        if let Some(body) = &block.template {
            let mut deeper = scope.to_vec();
            deeper.extend(inner);
            self.template(body, &deeper);
        }
        if let Some(otherwise) = &block.inverse {
            self.template(otherwise, scope);
        }
    }

    fn part(&mut self, part: &'a DecoratorTemplate, scope: &[&'a Value]) {
        let Some(name) = part.name.as_name() else {
            return self.report("the name of a part must be written out".into());
        };
        if !part.params.is_empty() || !part.hash.is_empty() {
            self.report(format!("{{{{> {name}}}}}: parts take no parameters"));
        }
        if let Some(content) = &part.template {
            self.template(content, scope);
        }
        if name == "@partial-block" {
            return;
        }
        match self.registry.get_template(name) {
            Some(template) => self.template(template, scope),
            None => self.report(format!("there is no part named {name:?}")),
        }
    }

    fn resolve(&self, path: &str, scope: &[&'a Value]) -> Found<'a> {
        if matches!(path, "@index" | "@key" | "@first" | "@last") {
            return Found::Local;
        }
        let mut scope = scope;
        let mut rest = path;
        let mut value = scope.last().copied();
        if let Some(below) = rest.strip_prefix("@root.").or_else(|| rest.strip_prefix("@root/")) {
            value = Some(self.root);
            rest = below;
        }
        while let Some(outer) = rest.strip_prefix("../") {
            scope = scope.split_last().map_or(scope, |(_, outer)| outer);
            value = scope.last().copied();
            rest = outer;
        }
        for step in rest.split(['.', '/']).filter(|step| !step.is_empty() && *step != "this") {
            if value.is_some_and(Value::is_null) {
                return Found::Local;
            }
            value = value.and_then(|value| value.get(step));
        }
        value.map_or(Found::Nothing, Found::Value)
    }
}

enum Found<'a> {
    Value(&'a Value),
    /// A loop's own variable, or what stands in a group of values that the sample leaves out.
    Local,
    Nothing,
}
