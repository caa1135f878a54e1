//! A bar: what was measured, what would be ideal, and how far apart they may be.

use serde::Serialize;

/// One line of the table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bar {
    name: String,
    measured: f64,
    ideal: f64,
    unit: &'static str,
    /// `measured` by `ideal`.
    ratio: f64,
    bound: Bound,
    /// Absent where there is no bound.
    met: Option<bool>,
    /// It is compared with nothing.
    #[serde(skip)]
    is_fact: bool,
}

/// What the ratio may be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// So far from 1, either way.
    Within(f64),
    /// Only reported.
    None,
}

impl Bar {
    pub(crate) fn new(name: impl Into<String>, measured: f64, ideal: f64, unit: &'static str, bound: Bound) -> Self {
        let ratio = measured / ideal;
        let met = match bound {
            Bound::AtMost(most) => Some(ratio <= most),
            Bound::AtLeast(least) => Some(ratio >= least),
            Bound::Within(distance) => Some((ratio - 1.0).abs() <= distance),
            Bound::None => None,
        };
        Self { name: name.into(), measured, ideal, unit, ratio, bound, met, is_fact: false }
    }

    /// Something that is only reported.
    pub(crate) fn fact(name: impl Into<String>, measured: f64, unit: &'static str) -> Self {
        Self { is_fact: true, ..Self::new(name, measured, measured, unit, Bound::None) }
    }
}

/// Prints the table.
pub(crate) fn print(bars: &[Bar]) {
    println!("{:<72} {:>14} {:>14} {:>8} {:>8}  met", "bar", "measured", "ideal", "ratio", "bound");
    for bar in bars {
        let bound = match bar.bound {
            Bound::AtMost(most) => format!("≤ {most}"),
            Bound::AtLeast(least) => format!("≥ {least}"),
            Bound::Within(distance) => format!("± {distance}"),
            Bound::None => String::new(),
        };
        let met = match bar.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let (mut ideal, mut ratio) = (shown(bar.ideal, bar.unit), format!("{:.3}", bar.ratio));
        if bar.is_fact {
            (ideal, ratio) = Default::default();
        }
        println!("{:<72} {:>14} {ideal:>14} {ratio:>8} {bound:>8}  {met}", bar.name, shown(bar.measured, bar.unit));
    }
}

fn shown(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 3,
    };
    format!("{value:.digits$} {unit}")
}
