//! Prepaid balances.

use super::ShortText;

/// What is left of the prepaid money in one currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    /// The currency, lower case; `unknown` if the API does not name it.
    pub currency: ShortText,
    /// The amount; never infinite or not a number.
    pub amount: f64,
}
