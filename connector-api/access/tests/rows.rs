//! Rows in, grants out.
#![allow(clippy::unwrap_used)]

use connector_access::RowsBuilder;
use connector_access::connector_api::{Access, AccessLevel, Account, Binding, Raises, Record, Resource};

#[test]
fn as_many_words_for_access_as_a_target_likes_stay_apart() {
    const COUNT: usize = 70_000;
    let access = |at: usize| Access::new(AccessLevel::Administer, format!("role-{at}"));
    let mut ada = Account::new("1", "ada");
    ada.raises = Some(Raises::new(access(COUNT), ["odd"]));
    let mut rows = RowsBuilder::new(&[]);
    rows.enter(&Record::from(ada.clone()));
    let resource = |at: usize| Resource::new(at.to_string(), if at == 7 { "odd" } else { "box" }, "it");
    (0..COUNT).for_each(|at| rows.enter(&resource(at).into()));
    for at in 0..COUNT {
        let access = if at == 7 { Access::of_word(AccessLevel::Use, "use") } else { access(at) };
        rows.enter(&Binding::new(&ada, &resource(at)).with_access(access).into());
    }
    let rows = rows.finish();
    let found = rows.grants(rows.account("1").unwrap());
    assert_eq!(found.len(), COUNT);
    for grant in found {
        let at: usize = grant.resource.external_id.parse().unwrap();
        let expected = if at == 7 { access(COUNT) } else { access(at) };
        assert_eq!(grant.access, expected, "{at}");
    }
}
