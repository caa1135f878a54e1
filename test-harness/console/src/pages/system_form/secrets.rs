//! Secrets in a form: they are entered and never shown again, or read from a file or a variable.

use connector_api::secrecy::SecretString;
use connector_api::{ConnectorError, Descriptor};
use connector_host::secret;
use connector_host::stored_system::{PASSWORD, SecretSource, Secrets, StoredSystem, VARIABLE_NAMES, check_variable};
use maud::{Markup, html};

use super::super::fields::{Field, errors, id};
use crate::entries::Entries;
use crate::text::plain;
use crate::words::capital;

/// A secret of a form.
pub(super) struct SecretField {
    pub(super) path: String,
    title: String,
    help: String,
    is_required: bool,
}

/// Where the secret of a system that was read from a form comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is entered or named in this form.
    Given,
    /// It stays as it is known.
    Kept,
    /// There is none.
    Absent,
}

/// The title of the credential's secret.
pub(super) fn title(descriptor: &Descriptor) -> String {
    capital(&descriptor.credential.password.meaning)
}

/// Enters where the secrets of a system come from.
pub(super) fn enter(entries: &mut Entries, stored: &StoredSystem) {
    for (path, source) in &stored.secrets {
        match source {
            SecretSource::File(file) => {
                entries.set(format!("{path}.from"), "file");
                entries.set(format!("{path}.place"), file.display().to_string());
            }
            SecretSource::Variable(name) => {
                entries.set(format!("{path}.from"), "variable");
                entries.set(format!("{path}.place"), name);
            }
            _ => {}
        }
    }
}

/// An error at the field that it is about.
fn in_words(error: ConnectorError) -> String {
    format!("{}: {}", error.message, error.remedy)
}

impl SecretField {
    pub(super) fn of_credential(descriptor: &Descriptor) -> Self {
        let field = &descriptor.credential.password;
        Self { path: PASSWORD.to_owned(), title: title(descriptor), help: String::new(), is_required: field.required }
    }

    pub(super) fn of_attribute(field: &Field<'_>) -> Self {
        let help = field.schema["description"].as_str().unwrap_or_default().to_owned();
        Self { path: field.path.clone(), title: field.title().to_owned(), help, is_required: false }
    }

    fn part(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// Enters the secret, or where it comes from, into the system. What is left empty, or as it was, stays as it is known.
    pub(super) fn read(
        &self,
        entries: &Entries,
        known: Option<&(StoredSystem, Secrets)>,
        stored: &mut StoredSystem,
        entered: &mut Secrets,
    ) -> Result<Origin, String> {
        let before = known.and_then(|(before, _)| before.secrets.get(&self.path));
        let place = entries.get(&self.part("place"));
        let given = entries.raw(&self.path).filter(|text| !text.is_empty());
        let mut come_from = |source| {
            let is_kept = before == Some(&source) && entries.get(&self.part("again")).is_none();
            stored.secrets.insert(self.path.clone(), source);
            if is_kept { Origin::Kept } else { Origin::Given }
        };
        match (entries.get(&self.part("from")), place) {
            (Some("file"), Some(file)) => return Ok(come_from(SecretSource::File(file.into()))),
            (Some("variable"), Some(name)) => {
                check_variable(name).map_err(in_words)?;
                return Ok(come_from(SecretSource::Variable(name.to_owned())));
            }
            (Some(from @ ("file" | "variable")), None) => return Err(format!("the name of the {from} is missing")),
            _ => {}
        }
        if let Some(text) = given {
            let text = SecretString::from(text.to_owned());
            secret::check(&text, "this").map_err(in_words)?;
            come_from(SecretSource::Entered);
            entered.insert(self.path.clone(), text);
            return Ok(Origin::Given);
        }
        if entries.get(&self.part("remove")).is_some() {
            return Ok(Origin::Absent);
        }
        // A file or a variable that was taken back is not kept: what was entered before it is.
        if let Some((_, secrets)) = known
            && before == Some(&SecretSource::Entered)
        {
            come_from(SecretSource::Entered);
            if let Some(text) = secrets.get(&self.path) {
                entered.insert(self.path.clone(), text.clone());
            }
            return Ok(Origin::Kept);
        }
        Ok(Origin::Absent)
    }

    /// Asks for the secret again, because it was kept for another place. Returns why.
    pub(super) fn ask_again(&self, entries: &mut Entries) -> String {
        let what = match entries.get(&self.part("from")) {
            Some(from @ ("file" | "variable")) => {
                let what = format!("name the {from} again");
                // Whoever sends the form once more has typed it.
                entries.replace(self.part("place"), "");
                entries.replace(self.part("again"), "true");
                what
            }
            _ => "enter it again".to_owned(),
        };
        format!("{what}: it is kept for the settings as they were saved, and would be sent somewhere else")
    }

    pub(super) fn render(&self, entries: &Entries, known: Option<&(StoredSystem, Secrets)>, wrong: &[&str]) -> Markup {
        let id = id(&self.path);
        let described = if wrong.is_empty() { format!("{id}-hint") } else { format!("{id}-error {id}-hint") };
        let is_set = known.is_some_and(|(stored, _)| stored.secrets.get(&self.path) == Some(&SecretSource::Entered));
        let is_known = is_set && known.is_some_and(|(_, secrets)| secrets.contains_key(&self.path));
        let from = entries.get(&self.part("from")).unwrap_or("here");
        let from_id = format!("{id}-from");
        let place_id = format!("{id}-place");
        html! {
            div.field {
                label for=(id) {
                    (plain(&self.title)) @if !self.is_required { " " span.must { "(optional, secret)" } }
                }
                (errors(&self.path, wrong))
                input id=(id) name=(self.path) type="password" autocomplete="new-password" spellcheck="false"
                    aria-describedby=(described) aria-invalid=[(!wrong.is_empty()).then_some("true")];
                span.hint id={ (id) "-hint" } {
                    @if !self.help.is_empty() { (plain(&self.help)) " " }
                    @if is_known {
                        "It is set; leave the field empty to keep it. If the host name, the port or another text changes, enter it \
                         again: it would be sent somewhere else. "
                    }
                    @else if is_set { "It was entered before the server was started again, and has to be entered once more. " }
                    "Kept in memory while the server runs, never stored or shown again."
                }
                @if is_set && !self.is_required {
                    label.choice { input type="checkbox" name=(self.part("remove")) value="true"; span { "Remove it" } }
                }
                details open[from != "here"] {
                    summary { "Read it from a file or a variable" }
                    div.field {
                        label for=(from_id) { "Read from" span.only-read { ": " (plain(&self.title)) } }
                        select.short id=(from_id) name=(self.part("from")) {
                            option value="here" selected[from == "here"] { "Entered here" }
                            option value="file" selected[from == "file"] { "File" }
                            option value="variable" selected[from == "variable"] { "Variable" }
                        }
                        label for=(place_id) { "File or name of the variable" span.only-read { ": " (plain(&self.title)) } }
                        input id=(place_id) name=(self.part("place")) value=[entries.raw(&self.part("place"))] autocomplete="off" spellcheck="false";
                        @if entries.get(&self.part("again")).is_some() {
                            input type="hidden" name=(self.part("again")) value="true";
                        }
                        span.hint {
                            "On the computer of the server. Only the name is stored; it is read for each test and scan. A file has to \
                             be its owner's alone (chmod 600), and a variable has to be named as one with a secret: "
                            (VARIABLE_NAMES) ". If the host name, the port or another text changes, name it again."
                        }
                    }
                }
            }
        }
    }
}
