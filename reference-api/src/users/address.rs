//! A postal address: a value inside a value.

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Rules, line};

// ANCHOR: address
/// Where somebody gets their post. It is there as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Rules))]
pub struct Address {
    /// Street and number.
    #[garde(length(chars, min = 1, max = 200), custom(line))]
    #[schema(example = "12 St James's Square", min_length = 1, max_length = 200)]
    pub street: String,
    /// Town, with its postal code where there is one.
    #[garde(length(chars, min = 1, max = 100), custom(line))]
    #[schema(example = "London SW1Y 4JH", min_length = 1, max_length = 100)]
    pub city: String,
    /// Two capital letters (ISO 3166-1).
    #[garde(custom(|country: &str, _| two_capitals(country)))]
    #[schema(example = "GB", pattern = "^[A-Z]{2}$")]
    pub country: String,
}

fn two_capitals(country: &str) -> garde::Result {
    let fits = country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_uppercase());
    if fits { Ok(()) } else { Err(garde::Error::new("must be two capital letters, such as GB")) }
}
// ANCHOR_END: address

/// The three columns of an address, all of them set or none.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct AddressRow {
    pub(crate) street: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) country: Option<String>,
}

impl From<Option<Address>> for AddressRow {
    fn from(address: Option<Address>) -> Self {
        match address {
            Some(Address { street, city, country }) => {
                Self { street: Some(street), city: Some(city), country: Some(country) }
            }
            None => Self { street: None, city: None, country: None },
        }
    }
}

impl From<AddressRow> for Option<Address> {
    fn from(AddressRow { street, city, country }: AddressRow) -> Self {
        Some(Address { street: street?, city: city?, country: country? })
    }
}
