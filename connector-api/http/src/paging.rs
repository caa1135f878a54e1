//! Reading whole listings. Two families, by who finds the next page: [`offset`] asks for windows of rows and proves that they
//! join up; [`chain`] goes where each page says that the next one begins (a `Link` header, a token, the last row's id).

pub(crate) mod chain;
pub(crate) mod offset;
pub(crate) mod page;
pub(crate) mod row;
mod seen_ids;
