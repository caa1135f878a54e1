//! Objects as the service writes them: JSON straight into a buffer, with no more fields than were asked for.

mod access_requests;
mod directories;
mod events;
mod graph;
mod groups;
mod insights;
mod organizations;
mod resources;
mod roles;
mod service_accounts;
mod sign_ins;
mod systems;
mod users;

use serde::Serialize;

pub(crate) use events::EVENT_FIELDS;
pub(crate) use sign_ins::IP_LIST_COUNT;
pub(crate) use users::UserRow;

/// The fields that a client asked for; the id comes in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<String>);

impl Fields {
    /// All fields when none is named.
    pub(crate) fn named<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    fn contains(&self, name: &str) -> bool {
        self.0.is_empty() || name == "_id" || name == "id" || self.0.iter().any(|field| field == name)
    }
}

/// A JSON object on its way into a buffer.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    fields: Option<&'a Fields>,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Writes an object, leaving out the fields that were not asked for.
    pub(crate) fn write(out: &mut Vec<u8>, fields: Option<&Fields>, fill: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        fill(&mut Object { out, fields, empty: true });
        out.push(b'}');
    }

    /// Writes a field.
    pub(crate) fn put(&mut self, name: &str, value: impl Serialize) {
        if self.begin(name) {
            to_json(self.out, &value);
        }
    }

    /// Writes a field that may be missing.
    pub(crate) fn put_some(&mut self, name: &str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    /// Writes a field that is an object.
    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        if self.begin(name) {
            Object::write(self.out, None, fill);
        }
    }

    /// Writes a field that is a list of objects.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Object<'_>, T),
    ) {
        if self.begin(name) {
            list(self.out, items, |out, item| Object::write(out, None, |object| fill(object, item)));
        }
    }

    /// Writes a field that is a list of anything.
    pub(crate) fn lists<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut Vec<u8>, T),
    ) {
        if self.begin(name) {
            list(self.out, items, write);
        }
    }

    fn begin(&mut self, name: &str) -> bool {
        if self.fields.is_some_and(|fields| !fields.contains(name)) {
            return false;
        }
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        to_json(self.out, &name);
        self.out.push(b':');
        true
    }
}

/// Writes a list.
pub(crate) fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

fn to_json(out: &mut Vec<u8>, value: &impl Serialize) {
    // Writing plain data into memory cannot fail.
    serde_json::to_writer(out, value).unwrap_or_default();
}

/// The service writes times with milliseconds.
pub(crate) fn time(time: jiff::Timestamp) -> String {
    format!("{time:.3}")
}
