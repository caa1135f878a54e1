//! The form: the settings that every system has, then those of its connector.

use connector_api::{Descriptor, FormGroup};
use maud::{Markup, html};

use super::super::fields::{Field, errors, extent, id};
use super::reading::all_fields;
use super::secrets::{self, SecretField};
use super::{Base, Wrong};
use crate::entries::Entries;
use crate::failure::sentence;
use crate::frame::{Page, form_token};
use crate::link::Link;
use crate::text::{Name, plain};
use crate::visit::Visit;

pub(super) fn page(visit: &Visit, descriptor: &Descriptor, base: &Base, entries: &Entries, wrong: &[Wrong]) -> Page {
    let title = match &base.changes {
        Some(name) => format!("Change {name}"),
        None => format!("Add system of {}", descriptor.display_name),
    };
    let here =
        ["system", "draft"].iter().fold(Link::to("/system"), |link, name| link.with_any(name, visit.query.get(name)));
    let content = html! {
        div.head { div {
            h1 { @match &base.changes { Some(name) => { "Change " (Name(name)) } None => { "Add system" } } }
            p.soft {
                (plain(&descriptor.display_name)) ", " (plain(&descriptor.system_type)) ". "
                "Settings that are left as they are have a default that works."
            }
        } }
        (summary(descriptor, wrong))
        form.form method="post" action=(here) autocomplete="off" novalidate {
            (form_token(&visit.session))
            input type="hidden" name="os-type" value=(descriptor.os_type);
            (own_fields(descriptor, base, entries, wrong))
            @for group in descriptor.form_groups() { (group_of(descriptor, &group, base, entries, wrong)) }
            div.row {
                button.primary name="then" value="test" { "Test connection" }
                button name="then" value="save" { "Save without testing" }
                a href="/" { "Cancel" }
            }
        }
    };
    Page { title, entry: "/", place: None, content }
}

/// What is wrong with a field.
fn wrong_with<'a>(wrong: &'a [Wrong], path: &str) -> Vec<&'a str> {
    wrong.iter().filter(|(of, _)| of.as_deref() == Some(path)).map(|(_, why)| why.as_str()).collect()
}

/// All that is wrong, with links to the fields.
fn summary(descriptor: &Descriptor, wrong: &[Wrong]) -> Markup {
    let title = |path: &str| match path {
        "name" => "Name".to_owned(),
        "hostname" => "Host name".to_owned(),
        "port" => "Port".to_owned(),
        "credential.username" => "User name or client id".to_owned(),
        "credential.password" => secrets::title(descriptor),
        path => all_fields(descriptor)
            .iter()
            .find(|field| field.path == path)
            .map_or(path.to_owned(), |field| field.title().to_owned()),
    };
    html! {
        @if !wrong.is_empty() {
            div.note.bad.narrow #errors role="alert" tabindex="-1" autofocus {
                h2 { @if wrong.len() == 1 { "1 setting needs a change" } @else { (wrong.len()) " settings need a change" } }
                ul { @for (path, why) in wrong { li {
                    @match path {
                        Some(path) => { a href={ "#" (id(path)) } { (plain(&title(path))) ": " (plain(&sentence(why))) } }
                        None => { (plain(&sentence(why))) }
                    }
                } } }
            }
        }
    }
}

/// The settings that every system has.
fn own_fields(descriptor: &Descriptor, base: &Base, entries: &Entries, wrong: &[Wrong]) -> Markup {
    let text = |path: &str, title: &str, hint: &str, is_short: bool| {
        let (id, why) = (id(path), wrong_with(wrong, path));
        let described = if why.is_empty() { format!("{id}-hint") } else { format!("{id}-error {id}-hint") };
        html! {
            div.field {
                label for=(id) { (plain(title)) }
                (errors(path, &why))
                input.short[is_short] id=(id) name=(path) value=[entries.raw(path)] autocomplete="off" spellcheck="false"
                    aria-describedby=(described) aria-invalid=[(!why.is_empty()).then_some("true")];
                span.hint id={ (id) "-hint" } { (plain(hint)) }
            }
        }
    };
    let host = descriptor
        .default_hostname
        .as_ref()
        .map_or_else(|| "Of the target.".to_owned(), |host| format!("Usually {host}."));
    html! {
        fieldset {
            legend { "System" }
            @match &base.changes {
                Some(name) => { p { "Name: " strong { (Name(name)) } span.under { "The history is kept by this name, so it stays." } } }
                None => { (text("name", "Name", "Your own name for it. Its history is kept by this name.", false)) }
            }
            (text("hostname", "Host name", &host, false))
            (text("port", "Port", &format!("{} if it is empty.", descriptor.default_port), true))
        }
        fieldset {
            legend { "Sign-in" }
            @if let Some(username) = &descriptor.credential.username {
                (text("credential.username", "User name or client id", &sentence(&username.meaning), false))
            }
            (SecretField::of_credential(descriptor).render(entries, base.known.as_ref(), &wrong_with(wrong, "credential.password")))
        }
    }
}

/// A group of attributes; one of advanced ones is folded unless something in it was changed or is wrong.
fn group_of(descriptor: &Descriptor, group: &FormGroup, base: &Base, entries: &Entries, wrong: &[Wrong]) -> Markup {
    let fields = Field::of_group(descriptor, group);
    let changed = fields.iter().filter(|field| match field.is_secret() {
        true => base.known.as_ref().is_some_and(|(stored, _)| stored.secrets.contains_key(&field.path)),
        // A form that was not filled in yet has no entries at all.
        false => entries.raw(&field.path).is_some() && field.read(entries).is_some(),
    });
    let changed = changed.count();
    let bad = fields.iter().filter(|field| !wrong_with(wrong, &field.path).is_empty()).count();
    let content = html! {
        @for field in &fields {
            @let why = wrong_with(wrong, &field.path);
            @if field.is_secret() { (SecretField::of_attribute(field).render(entries, base.known.as_ref(), &why)) }
            @else { (field.render(&with_defaults(field, entries), &why)) }
        }
    };
    html! {
        @if group.advanced {
            details.group open[bad > 0 || changed > 0] {
                summary { (plain(&group.title)) span.soft.small { " – " (extent(&fields, changed, bad)) } }
                (content)
            }
        } @else {
            fieldset { legend { (plain(&group.title)) } (content) }
        }
    }
}

/// The entries of a form that was sent: a switch that is off is not among them.
fn with_defaults(field: &Field<'_>, entries: &Entries) -> Entries {
    let mut entries = entries.clone();
    if entries.raw("os-type").is_some() && entries.raw(&field.path).is_none() {
        entries.set(field.path.clone(), "");
    }
    entries
}
