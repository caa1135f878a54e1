//! The kinds of faults, and their text form.

use std::time::Duration;

/// One fault; [`Fault::help`] describes its text form.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// The endpoints where it happens; empty for all that it applies to.
    pub on: Vec<Scope>,
    /// The share of requests that it affects, from 0 to 1.
    pub rate: f64,
    /// The maximum number of times that it happens.
    pub times: Option<u64>,
    /// The number of matching requests before it starts.
    pub after: u64,
}

/// The effect of a fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answers with a status, optionally with `Retry-After`.
    Status(u16, Option<RetryAfter>),
    /// Answers with an HTML page of this status.
    Html(u16),
    /// Answers with a redirect.
    Redirect(String),
    /// Resets the connection before the answer.
    Reset,
    /// Closes the connection in the middle of the body.
    Truncate,
    /// Sends this many bytes per second.
    Slow(u64),
    /// Waits before the answer.
    Delay(Duration),
    /// Inserts bytes that are not UTF-8.
    InvalidUtf8,
    /// Sends another content type.
    ContentType(String),
    /// Pads the body with this many bytes of white space.
    Oversized(u64),
    /// Answers with this many bytes of white space, compressed.
    GzipBomb(u64),
    /// Answers with arrays nested this deep.
    Deep(u64),
    /// Changes the organisation with each request.
    Drift(Drift),
    /// Answers 404 for a group that is in the listing, and for its lists.
    GroupVanishes,
    /// Returns the first page, whatever `skip` is.
    IgnoreSkip,
    /// Returns the previous page.
    RepeatPage,
    /// Returns half of the page; the next page starts at the next row.
    ShortPage,
    /// Returns no rows.
    EmptyPage,
    /// Reports a wrong total.
    Total(TotalFault),
    /// Changes the order with each request without a sort order.
    Unsorted,
    /// Repeats every tenth row.
    DuplicateRows,
    /// Adds a member that is in no listing.
    Dangling,
    /// Makes each group a member of the group before it, and the first of the last.
    Cycle,
    /// Replaces ids by values that must not enter a path.
    HostileIds,
    /// Sets fields to null.
    NullFields,
    /// Adds unknown fields.
    UnknownFields,
    /// Changes the types of values.
    WrongTypes,
}

/// The value of `Retry-After`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// In seconds.
    Seconds(u64),
    /// As the date one second ahead.
    Date,
}

/// How the organisation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Something that is listed is deleted.
    Delete,
    /// Something is created.
    Insert,
    /// Both.
    Both,
}

/// What is wrong with a total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotalFault {
    /// It is off by this much.
    Off(i64),
    /// There is none.
    None,
    /// It grows with each request.
    Moving,
}

/// A class of requests: `usergroups.members`, `usergroups.*` or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(pub(super) String);

impl Scope {
    /// Whether requests of a class belong to it.
    pub fn covers(&self, class: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => class.starts_with(prefix),
            None => class == self.0,
        }
    }
}

/// A fault that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The first word is not a fault.
    #[error("there is no fault `{word}`{}", hint(.nearest))]
    UnknownFault {
        /// The word.
        word: String,
        /// The most similar known word.
        nearest: Option<String>,
    },
    /// A later word is not a qualifier.
    #[error("there is no qualifier `{word}`{}", hint(.nearest))]
    UnknownQualifier {
        /// The word.
        word: String,
        /// The most similar known word.
        nearest: Option<String>,
    },
    /// A scope matches no class of requests.
    #[error("there is no endpoint `{word}`{}", hint(.nearest))]
    UnknownScope {
        /// The word.
        word: String,
        /// The most similar known word.
        nearest: Option<String>,
    },
    /// A value is missing, not allowed or not valid.
    #[error("`{word}` expects {expected}, not `{value}`")]
    Value {
        /// The word.
        word: String,
        /// The expected value.
        expected: &'static str,
        /// The actual value.
        value: String,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

pub(super) const HELP: &str = "\
A fault is EFFECT[:QUALIFIER]…, for example status=503:rate=0.1:on=usergroups.members

Effects on the whole response:
  status=CODE         respond with this status; optional qualifier retry-after=SECONDS or retry-after=date
  retry-after=WHEN    short for status=429:retry-after=WHEN
  html[=CODE]         respond with an HTML page (default status 200)
  redirect=URL        respond with 302 and this location
  reset               reset the connection instead of responding
  truncate            close the connection in the middle of the body
  slow=BYTES          send this many bytes per second
  delay=MS            wait this many milliseconds before responding
  invalid-utf8        insert bytes that are not UTF-8
  content-type=TYPE   send another content type
  oversized=BYTES     pad the body with this much white space
  gzip-bomb=BYTES     respond with this much white space, compressed
  deep=LEVELS         respond with arrays nested this deep
Effects on lists:
  drift=delete|insert|both  change the organisation with each request
  group-vanishes      respond with 404 for a listed group and its lists (every fifth group, or the share in rate)
  ignore-skip         return the first page, whatever skip is
  repeat-page         return the previous page
  short-page          return half a page; the next page starts at the next row
  empty-page          return no rows
  total=+N|-N|none|moving   report a wrong total
  unsorted            change the order for requests without a sort order
  duplicate-rows      repeat every tenth row
  dangling            add a member that is in no list
  cycle               make groups members of each other, in a cycle
  hostile-ids         replace ids by values that must not enter a path
  null-fields         set fields to null
  unknown-fields      add unknown fields
  wrong-types         change the types of values
Qualifiers:
  on=ENDPOINT[,…]     only these endpoints: systemusers, usergroups.members, usergroups.*, insights.events, oauth.token, …
  rate=SHARE          only this share of the requests, from 0 to 1
  times=N             at most N times
  after=N             not the first N requests
";

impl Fault {
    /// The help text for faults.
    pub fn help() -> &'static str {
        HELP
    }

    /// A fault that always happens, at every endpoint that it applies to.
    pub fn new(effect: Effect) -> Self {
        Self { effect, on: Vec::new(), rate: 1.0, times: None, after: 0 }
    }

    /// Whether it can affect requests of a class.
    pub fn covers(&self, class: &str) -> bool {
        self.on.is_empty() || self.on.iter().any(|scope| scope.covers(class))
    }
}
