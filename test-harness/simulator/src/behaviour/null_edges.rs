//! Records in lists of edges that are counted but not returned.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::super::faults::Scope;
use super::super::organization::Dice;

/// Null records in the lists of members and associations. They are inserted between the real edges and name nobody:
/// `x-total-count` and `skip` count them; the graph and traversals do not contain them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NullEdges {
    /// Their positions.
    pub places: Places,
    /// What a response contains in their place.
    pub form: NullForm,
    /// The lists that have them; empty for every list of members or associations.
    pub on: Vec<Scope>,
}

/// Which records of a list are null.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Places {
    /// None.
    #[default]
    Nowhere,
    /// A share of all records, from 0 to below 1; the seed and the list determine which.
    Share(f64),
    /// The records at these positions, counted from 0. A position after the end of a list is not used: `100..=199` empties
    /// the second page of lists with at least 100 edges and does not affect shorter ones.
    At(Vec<RangeInclusive<u64>>),
}

/// What is returned in the place of a null record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NullForm {
    /// Nothing: the page is shorter.
    #[default]
    LeftOut,
    /// `null`
    Null,
    /// An edge whose `to` is null.
    NullTo,
    /// An edge whose `to.id` is null.
    NullId,
    /// An edge whose `to.id` is empty.
    EmptyId,
}

impl NullForm {
    const ALL: [(&'static str, Self); 5] = [
        ("left-out", Self::LeftOut),
        ("null", Self::Null),
        ("null-to", Self::NullTo),
        ("null-id", Self::NullId),
        ("empty-id", Self::EmptyId),
    ];
}

impl NullEdges {
    /// A share of the records of every list of edges.
    pub fn share(share: f64, form: NullForm) -> Self {
        Self { places: Places::Share(share), form, on: Vec::new() }
    }

    /// The records at some positions of every list of edges that is long enough.
    pub fn at(places: impl IntoIterator<Item = RangeInclusive<u64>>, form: NullForm) -> Self {
        Self { places: Places::At(places.into_iter().collect()), form, on: Vec::new() }
    }

    /// The positions of the null records in a list of `edges` real edges, ascending. `list` identifies the list.
    pub(crate) fn positions(&self, class: &str, edges: u64, seed: u64, list: u64) -> Vec<u64> {
        if !self.on.is_empty() && !self.on.iter().any(|scope| scope.covers(class)) {
            return Vec::new();
        }
        match &self.places {
            Places::Nowhere => Vec::new(),
            Places::Share(share) => scattered(*share, edges, &mut Dice::thrown(seed, 0x4E11, list)),
            Places::At(ranges) => {
                let mut positions: Vec<u64> = Vec::new();
                for place in ranges.iter().cloned().flatten() {
                    // Beyond this one the list has ended.
                    if place > edges + positions.len() as u64 {
                        break;
                    }
                    positions.push(place);
                }
                positions
            }
        }
    }
}

/// Positions that are about as far from each other.
fn scattered(share: f64, edges: u64, dice: &mut Dice) -> Vec<u64> {
    let exact = edges as f64 * share / (1.0 - share);
    // A tenth of a record is one record in every tenth list.
    let nulls = exact as u64 + u64::from(dice.below(1_000_000) as f64 / 1_000_000.0 < exact.fract());
    let records = edges + nulls;
    (0..nulls)
        .map(|number| {
            let (start, end) = (number * records / nulls, (number + 1) * records / nulls);
            start + dice.below(end - start)
        })
        .collect()
}

impl From<NullEdges> for String {
    fn from(edges: NullEdges) -> Self {
        edges.to_string()
    }
}

impl TryFrom<String> for NullEdges {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for NullEdges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.places {
            Places::Nowhere => return f.write_str("none"),
            Places::Share(share) => write!(f, "{}%", share * 100.0)?,
            Places::At(ranges) => {
                let range = |range: &RangeInclusive<u64>| match range.start() == range.end() {
                    true => range.start().to_string(),
                    false => format!("{}-{}", range.start(), range.end()),
                };
                f.write_str(&ranges.iter().map(range).collect::<Vec<_>>().join(","))?;
            }
        }
        if let Some((name, _)) =
            NullForm::ALL.iter().find(|(_, form)| *form == self.form && self.form != <_>::default())
        {
            write!(f, ":form={name}")?;
        }
        if !self.on.is_empty() {
            write!(f, ":on={}", self.on.iter().map(Scope::to_string).collect::<Vec<_>>().join(","))?;
        }
        Ok(())
    }
}

impl FromStr for NullEdges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split(':');
        let mut edges = Self { places: places(words.next().unwrap_or_default())?, ..Self::default() };
        for word in words {
            match word.split_once('=') {
                Some(("form", name)) => {
                    let form = NullForm::ALL.iter().find(|(known, _)| *known == name);
                    edges.form = form.ok_or("form must be left-out, null, null-to, null-id or empty-id")?.1;
                }
                Some(("on", scopes)) => {
                    let scopes = scopes.split(',').map(|scope| scope.parse().map_err(|error| format!("{error}")));
                    edges.on = scopes.collect::<Result<_, String>>()?;
                }
                _ => return Err(format!("`{word}` is neither form=FORM nor on=ENDPOINT[,…]")),
            }
        }
        Ok(edges)
    }
}

fn places(text: &str) -> Result<Places, String> {
    let invalid = || format!("expected none, a share such as 5%, or positions such as 4,100-199, not `{text}`");
    if text == "none" {
        return Ok(Places::Nowhere);
    }
    if let Some(share) = text.strip_suffix('%') {
        let share: f64 = share.parse().map_err(|_| invalid())?;
        return if (0.0..100.0).contains(&share) { Ok(Places::Share(share / 100.0)) } else { Err(invalid()) };
    }
    let mut ranges: Vec<RangeInclusive<u64>> = Vec::new();
    for part in text.split(',') {
        let (start, end) = part.split_once('-').unwrap_or((part, part));
        let range = start.parse().map_err(|_| invalid())?..=end.parse().map_err(|_| invalid())?;
        let follows = ranges.last().is_none_or(|last| last.end() < range.start());
        if range.is_empty() || !follows {
            return Err(invalid());
        }
        ranges.push(range);
    }
    Ok(Places::At(ranges))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn positions(text: &str, edges: u64) -> Vec<u64> {
        text.parse::<NullEdges>().unwrap().positions("usergroups.members", edges, 7, edges)
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["none", "5%", "4,100-199:form=null-to", "0:form=null:on=usergroups.members,systemgroups.*"] {
            assert_eq!(text.parse::<NullEdges>().unwrap().to_string(), text);
        }
        for text in ["", "x", "100%", "-1%", "3-1", "5,4", "1:form=no", "1:in=x", "1:on=nothing"] {
            assert!(text.parse::<NullEdges>().is_err(), "{text}");
        }
    }

    #[test]
    fn positions_behind_the_end_of_a_list_are_not_used() {
        assert_eq!(positions("0,2,100-199", 5), [0, 2]);
        assert_eq!(positions("0", 0), [0]);
        assert_eq!(positions("100-199", 99), [0; 0]);
        assert_eq!(positions("100-199", 100).len(), 100);
        assert_eq!(positions("0:on=systemgroups.*", 5), [0; 0]);
    }

    #[test]
    fn a_share_is_kept_in_the_long_and_in_the_many() {
        let long = positions("5%", 950);
        assert_eq!(long.len(), 50);
        assert!(long.is_sorted_by(|a, b| a < b) && long.iter().all(|&position| position < 1_000));
        let short: usize =
            (0..1_000).map(|list| NullEdges::share(0.1, NullForm::LeftOut).positions("x", 2, 1, list).len()).sum();
        assert!((150..300).contains(&short), "{short}");
    }
}
