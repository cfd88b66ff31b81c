//! What clouds cost: a price list for each, entered by people. Money is never a floating-point number.

use crate::{Id, Millis};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Money, in millionths of a currency's unit, so that the price of a GiB is exact. Written as a decimal: `"0.0225"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Amount(pub i64);

const MILLION: i64 = 1_000_000;
/// Above it somebody has lost a decimal point.
const MOST: i64 = 1_000_000 * MILLION;

impl Amount {
    /// # Errors
    /// Why it is no price, and how one is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no price: write it like 12.50 or 0.0225, with at most six decimals and without a currency.");
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || whole.len() > 9 || part.len() > 6 || !digits(whole) || !digits(part) || text.ends_with('.') {
            return Err(wrong());
        }
        let number = |s: &str| s.parse::<i64>().map_err(|_| wrong());
        let amount = number(whole)? * MILLION + number(&format!("{part:0<6}"))?;
        if amount > MOST { Err(format!("{text} is more than a million: a price is for one unit.")) } else { Ok(Self(amount)) }
    }

    /// For `units` of which `per` make one that is priced.
    #[must_use]
    pub fn times(self, units: u64, per: u64) -> Self {
        let per = i128::from(per.max(1));
        let exact = (i128::from(self.0) * i128::from(units) + per / 2) / per;
        Self(i64::try_from(exact).unwrap_or(i64::MAX))
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As sums are written: two decimals. What is less than half a cent and not nothing says so.
    pub fn short(self) -> String {
        let cents = (self.0 + 5_000) / 10_000;
        if cents == 0 && self.0 > 0 { "less than 0.01".into() } else { format!("{}.{:02}", cents / 100, cents % 100) }
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{}.{:06}", self.0 / MILLION, self.0 % MILLION);
        let text = text.trim_end_matches('0');
        write!(f, "{}", text.trim_end_matches('.'))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Money {
    /// ISO 4217: `EUR`.
    pub currency: String,
    pub amount: Amount,
}

impl Money {
    pub fn short(&self) -> String {
        format!("{} {}", self.amount.short(), self.currency)
    }
}

/// Body of `PUT /clouds/{id}/prices`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceList {
    /// ISO 4217: `EUR`.
    pub currency: String,
    /// A virtual CPU for a month.
    pub vcpu_month: Amount,
    /// A GiB of memory for a month.
    pub memory_gib_month: Amount,
    /// A GiB of disk for a month, as large as the disk says that it is.
    pub storage_gib_month: Amount,
    /// A GiB that leaves this cloud.
    pub egress_gib: Amount,
    /// Sizes that have a price of their own. Where there are any, a machine costs what the cheapest costs that it fits
    /// into, and the prices of CPU and memory are not looked at.
    #[serde(default)]
    pub flavours: Vec<Flavour>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Flavour {
    pub name: String,
    pub vcpus: u32,
    pub memory_mib: u64,
    pub month: Amount,
}

/// `GET /clouds/{id}/prices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloudPrices {
    pub cloud_id: Id,
    /// `None`: not priced.
    pub list: Option<PriceList>,
    pub changed_at: Option<Millis>,
    pub changed_by: Option<String>,
    /// A proposal to begin with, for this kind of cloud; nothing is calculated with it.
    pub seed: Option<PriceSeed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceSeed {
    /// Whose prices, and of when: it has to be checked.
    pub about: String,
    pub list: PriceList,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_and_written_exactly() {
        for (text, millionths, back) in [
            ("0", 0, "0"),
            ("12", 12_000_000, "12"),
            ("12.50", 12_500_000, "12.5"),
            ("0.0225", 22_500, "0.0225"),
            ("0.000001", 1, "0.000001"),
        ] {
            let amount = Amount::parse(text).unwrap_or_default();
            assert_eq!((amount.0, amount.to_string().as_str()), (millionths, back), "{text}");
        }
        for wrong in ["", ".", "1.", ".5", "1,5", "-1", "1e3", "0.0000001", "EUR 1", "99999999"] {
            assert!(Amount::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sums_are_rounded_once_and_nothing_becomes_free_by_it() {
        let gib = 1 << 30;
        assert_eq!(Amount(90_000).times(gib / 2, gib), Amount(45_000));
        assert_eq!(Amount(1).times(1, 3), Amount(0));
        assert_eq!(
            (Amount(1).short(), Amount(0).short(), Amount(1_999_999).short()),
            ("less than 0.01".into(), "0.00".into(), "2.00".into())
        );
        assert_eq!(Amount(i64::MAX).times(u64::MAX, 1), Amount(i64::MAX));
    }
}
