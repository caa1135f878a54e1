//! The difference of memberships and bindings.
//!
//! The whole content of an edge is in its columns, so the database compares the two sides itself.

use connector_api::ConnectorError;

use super::kept::Kept;
use super::{Changes, Context, Counts, filled, terms};
use crate::database::Connection;

/// One table of edges.
struct Edges {
    word: &'static str,
    /// What identifies a version, with the run.
    key: [&'static str; 2],
    /// The column with the rest.
    rest: &'static str,
    /// Whether edges that differ only in the rest may stand next to each other.
    is_in_key: bool,
    /// What keeps an edge: the kind of ids in `kept`, and the columns that are looked for among them.
    kept_by: (&'static str, &'static [&'static str]),
}

const MEMBERSHIPS: Edges = Edges {
    word: "membership",
    key: ["group_id", "account_id"],
    rest: "via",
    is_in_key: false,
    kept_by: (super::kept::OBJECT, &["group_id", "account_id"]),
};

const BINDINGS: Edges = Edges {
    word: "binding",
    key: ["from_id", "to_id"],
    rest: "terms",
    is_in_key: true,
    kept_by: (super::kept::TERMS, &["terms"]),
};

/// Where the opened edges of each table are.
pub(super) struct Sources([(Edges, Source); 2]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Nothing stood and nothing is kept: all staged rows are new.
    Staged,
    /// In the difference.
    Delta,
}

/// Writes the difference and counts it.
pub(super) fn prepare(
    db: &mut dyn Connection,
    context: &Context<'_>,
    kept: Kept,
    changes: &mut Changes,
) -> Result<Sources, ConnectorError> {
    let mut prepare = |edges: Edges, is_any_kept: bool| -> Result<_, ConnectorError> {
        let (source, counts) = edges.prepare(db, context, is_any_kept)?;
        changes.0.insert(edges.word.to_owned(), counts);
        Ok((edges, source))
    };
    Ok(Sources([prepare(MEMBERSHIPS, kept.objects)?, prepare(BINDINGS, kept.terms)?]))
}

impl Edges {
    fn prepare(
        &self,
        db: &mut dyn Connection,
        context: &Context<'_>,
        is_any_kept: bool,
    ) -> Result<(Source, Counts), ConnectorError> {
        let Self { word, key: [one, two], rest, .. } = self;
        let both = [context.run.into(), context.system.into()];
        let standing = format!("select from_run from {word}_version where system = ?1 and to_run is null limit 1");
        let is_first = context.base.is_none() || db.first(&standing, &both[1..], |row| row.number(0))?.is_none();
        let is_ambiguous = self.is_in_key && terms::are_ambiguous(db, context.system)?;
        if is_first && !is_any_kept && !is_ambiguous {
            // Counted when they are taken over.
            return Ok((Source::Staged, Counts::default()));
        }
        // The server may not have looked at what stands yet, and then expects so little that it compares each with each.
        context.analyze(db, &[&format!("staged_{word}"), &format!("{word}_version (system, to_run, {one}, {two})")])?;
        let keeps = if is_any_kept { self.unless_kept() } else { String::new() };
        let (same, differs) = if self.is_in_key {
            (format!("and k.{rest} = s.{rest}"), String::new())
        } else {
            (String::new(), format!("or s.{rest} is distinct from k.{rest}"))
        };
        let opened = format!(
            "insert into delta_{word} (run, {one}, {two}, {rest}, opens, closes, part) \
             select s.run, s.{one}, s.{two}, s.{rest}, true, k.from_run, s.part from staged_{word} s \
             left join {word}_version k on k.system = ?2 and k.{one} = s.{one} and k.{two} = s.{two} {same} \
             and k.to_run is null where s.run = ?1 and (k.from_run is null {differs}) {}",
            keeps.replace('#', "s")
        );
        db.execute(&opened, &both)?;
        let closed_rest = if self.is_in_key { format!("k.{rest}") } else { "null".to_owned() };
        let closed = format!(
            "insert into delta_{word} (run, {one}, {two}, {rest}, opens, closes) \
             select ?1, k.{one}, k.{two}, {closed_rest}, false, k.from_run from {word}_version k \
             where k.system = ?2 and k.to_run is null and {} {}",
            self.unless_staged(context),
            keeps.replace('#', "k")
        );
        db.execute(&closed, &both)?;
        context.analyze(db, &[&format!("delta_{word}")])?;
        if self.is_in_key {
            if is_ambiguous {
                replaced_bindings_end(db, context, &keeps)?;
            }
            if is_any_kept {
                of_another_type(db, context)?;
            }
        } else {
            filled::memberships(db, context, &keeps)?;
        }
        let mut counts = self.counts(db, context)?;
        if counts.new + counts.changed > 0 && self.only_the_last(db, context)? > 0 {
            counts = self.counts(db, context)?;
        }
        if self.is_in_key && counts.new > 0 && counts.gone > 0 {
            let changed = format!(
                "select count(*) from delta_binding d join terms t on t.id = d.terms where d.run = ?1 and not d.opens \
                 and exists (select 1 from delta_binding e join terms u on u.id = e.terms and {} \
                 where e.run = ?1 and e.opens and e.from_id = d.from_id and e.to_id = d.to_id)",
                terms::SAME
            );
            let changed = db.first(&changed, &both[..1], |row| row.number(0))?;
            counts.changed = changed.unwrap_or_default().unsigned_abs();
            counts.new = counts.new.saturating_sub(counts.changed);
            counts.gone = counts.gone.saturating_sub(counts.changed);
        }
        Ok((Source::Delta, counts))
    }

    /// The condition that the edge `k` was not read.
    fn unless_staged(&self, context: &Context<'_>) -> String {
        let Self { word, key: [one, two], rest, .. } = self;
        let mut key = vec![*one, *two];
        key.extend(self.is_in_key.then_some(*rest));
        if context.is_small {
            // As this is written, all of them are read once and looked up, however few the database expects.
            let of = |table: &str| key.iter().map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ");
            return format!("({}) not in (select {} from staged_{word} s where s.run = ?1)", of("k"), of("s"));
        }
        let same: String = key.iter().map(|column| format!(" and s.{column} = k.{column}")).collect();
        format!("not exists (select 1 from staged_{word} s where s.run = ?1{same})")
    }

    /// Counts the rows of the difference.
    fn counts(&self, db: &mut dyn Connection, context: &Context<'_>) -> Result<Counts, ConnectorError> {
        let sql = format!(
            "select count(*) filter (where opens and closes is null), count(*) filter (where opens and closes is not null), \
             count(*) filter (where not opens) from delta_{} where run = ?1",
            self.word
        );
        let counts = db.first(&sql, &[context.run.into()], |row| {
            let [new, changed, gone] = [row.number(0)?, row.number(1)?, row.number(2)?].map(i64::unsigned_abs);
            Ok(Counts { new, changed, gone })
        })?;
        Ok(counts.unwrap_or_default())
    }

    /// Takes an edge out of the difference if the scan sent it again later. Returns how many there were.
    fn only_the_last(&self, db: &mut dyn Connection, context: &Context<'_>) -> Result<u64, ConnectorError> {
        let Self { word, key: [one, two], rest, .. } = self;
        let same = if self.is_in_key {
            format!("join terms t on t.id = d.terms join terms u on u.id = s.terms and {}", terms::SAME)
        } else {
            String::new()
        };
        let (rest, of_it) =
            if self.is_in_key { (format!(", {rest}"), format!(", d.{rest}")) } else { Default::default() };
        let sql = format!(
            "delete from delta_{word} where run = ?1 and opens and ({one}, {two}, part{rest}) in (\
             select d.{one}, d.{two}, d.part{of_it} from delta_{word} d \
             join staged_{word} s on s.run = ?1 and s.{one} = d.{one} and s.{two} = d.{two} and s.part > d.part {same} \
             where d.run = ?1 and d.opens)"
        );
        db.execute(&sql, &[context.run.into()])
    }

    /// The condition that an edge of the table `#` is not kept.
    fn unless_kept(&self) -> String {
        let (what, columns) = self.kept_by;
        let among = format!("(select id from kept where run = ?1 and what = '{what}')");
        columns.iter().map(|column| format!(" and #.{column} not in {among}")).collect()
    }
}

/// Adds to the difference the bindings that stand as they were sent at first, and were sent again later in another way.
fn replaced_bindings_end(
    db: &mut dyn Connection,
    context: &Context<'_>,
    unless_kept: &str,
) -> Result<(), ConnectorError> {
    let sql = format!(
        "insert into delta_binding (run, from_id, to_id, terms, opens, closes) \
         select distinct ?1, k.from_id, k.to_id, k.terms, false, k.from_run from binding_version k \
         join (select from_id, to_id, terms, max(part) as part from staged_binding where run = ?1 \
         group by from_id, to_id, terms) s on s.from_id = k.from_id and s.to_id = k.to_id and s.terms = k.terms \
         join staged_binding x on x.run = ?1 and x.from_id = k.from_id and x.to_id = k.to_id and x.part > s.part \
         join terms t on t.id = k.terms join terms u on u.id = x.terms and {} \
         where k.system = ?2 and k.to_run is null and x.terms <> k.terms {}",
        terms::SAME,
        unless_kept.replace('#', "k")
    );
    db.execute(&sql, &[context.run.into(), context.system.into()])?;
    Ok(())
}

/// Adds to the difference what follows where a binding expires that did not, or the reverse, and only one of these types was
/// read: the scan has seen the binding, so the known row does not stand next to the scanned one, and is not gone either.
fn of_another_type(db: &mut dyn Connection, context: &Context<'_>) -> Result<(), ConnectorError> {
    let both = [context.run.into(), context.system.into()];
    let same = terms::SAME;
    let among = "(select id from kept where run = ?1 and what = 'terms')";
    let kept_ends = format!(
        "insert into delta_binding (run, from_id, to_id, terms, opens, closes) \
         select ?1, k.from_id, k.to_id, k.terms, false, k.from_run from delta_binding d join terms t on t.id = d.terms \
         join binding_version k on k.system = ?2 and k.from_id = d.from_id and k.to_id = d.to_id and k.to_run is null \
         join terms u on u.id = k.terms and {same} where d.run = ?1 and d.opens and k.terms in {among}"
    );
    let scanned_begins = format!(
        "insert into delta_binding (run, from_id, to_id, terms, opens, closes, part) \
         select ?1, s.from_id, s.to_id, s.terms, true, null, s.part from delta_binding d join terms t on t.id = d.terms \
         join staged_binding s on s.run = ?1 and s.from_id = d.from_id and s.to_id = d.to_id \
         join terms u on u.id = s.terms and {same} where d.run = ?1 and not d.opens and s.terms in {among} \
         and d.terms not in {among}"
    );
    db.execute(&kept_ends, &both)?;
    db.execute(&scanned_begins, &both[..1])?;
    Ok(())
}

impl Sources {
    /// Applies the difference, within the publishing transaction, and counts what was not counted before.
    pub(super) fn apply(
        &self,
        db: &mut dyn Connection,
        context: &Context<'_>,
        changes: &mut Changes,
    ) -> Result<(), ConnectorError> {
        let both = [context.run.into(), context.system.into()];
        for (edges, source) in &self.0 {
            let Edges { word, key: [one, two], rest, is_in_key, .. } = edges;
            let from = match source {
                Source::Staged => format!("staged_{word} d where d.run = ?1"),
                // Nothing begins or ends.
                Source::Delta if !changes.0.contains_key(*word) => continue,
                Source::Delta => {
                    let same = if *is_in_key { format!("and v.{rest} = d.{rest}") } else { String::new() };
                    let close = format!(
                        "update {word}_version as v set to_run = ?1 from delta_{word} d \
                         where d.run = ?1 and d.closes is not null and v.system = ?2 and v.{one} = d.{one} \
                         and v.{two} = d.{two} {same} and v.from_run = d.closes"
                    );
                    db.execute(&close, &both)?;
                    format!("delta_{word} d where d.run = ?1 and d.opens")
                }
            };
            // In the order of the key, which is the fastest. An edge that was sent twice stands once, as in the last part:
            // grouping costs less than `on conflict`.
            let (picked, grouped) = if *is_in_key {
                (format!("d.{rest}"), format!(", d.{rest}"))
            } else {
                let last = format!("max(cast(d.part as bigint) * 4294967296 + coalesce(d.{rest}, 0)) % 4294967296");
                (format!("cast(nullif({last}, 0) as integer)"), String::new())
            };
            let open = format!(
                "insert into {word}_version (system, {one}, {two}, {rest}, from_run) \
                 select ?2, d.{one}, d.{two}, {picked}, ?1 from {from} \
                 group by d.{one}, d.{two}{grouped} order by d.{one}, d.{two}"
            );
            let opened = db.execute(&open, &both)?;
            if *source == Source::Staged && opened > 0 {
                changes.0.insert((*word).to_owned(), Counts { new: opened, ..Counts::default() });
            }
        }
        Ok(())
    }
}
