//! An event on its way to the endpoint, as it is kept.

use serde::{Deserialize, Serialize};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeliveryState {
    /// Will be tried.
    Waiting,
    /// Kept back until a test releases it.
    Held,
    /// The endpoint said 2xx.
    Delivered,
    /// The endpoint refused it too often.
    GivenUp,
}

/// One copy of one event on its way to the endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Its number, growing.
    pub number: u64,
    /// The event's id.
    pub event: String,
    /// The endpoint of the API that it goes to; none for the one that was set.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The HTTP status of the last attempt; 0 if there was no answer.
    pub last_status: u16,
}
