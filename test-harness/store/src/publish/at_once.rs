//! Publishes a small run in one transaction: what is written, prepared, applied and cleared in it is seen by nobody else, and
//! holds nobody up for longer than the short transaction of a large run does.

use connector_api::ConnectorError;

use super::owned::Owned;
use super::{Ended, Hold, Publication};
use crate::database::Connection;
use crate::pages::keep_figures;
use crate::runs;

impl Publication<'_> {
    /// Publishes the run, unless it would remove more than `hold` allows. `write` stages the rows that are not yet.
    pub(crate) fn publish_at_once(
        &self,
        db: &mut dyn Connection,
        hold: Hold,
        write: impl FnOnce(&mut dyn Connection) -> Result<(), ConnectorError>,
    ) -> Result<Ended, ConnectorError> {
        db.expect_many(false)?;
        let (ended, base, superseded) = db.decisive_transaction(
            &format!("run {} of {} is published or held", self.run, self.system.name),
            |db| self.all(db, hold, write),
            |db, (ended, ..)| self.is_now(db, if matches!(ended, Ended::Held { .. }) { "held" } else { "published" }),
        )?;
        if let Ended::Published { changes, .. } = &ended {
            // Pages count them if this fails, so it is no reason to report that the run was not published.
            let _ = keep_figures(db, self.system.id, self.run, base, changes);
        }
        superseded.into_iter().for_each(|run| runs::clear(db, self.system, run));
        Ok(ended)
    }

    /// Returns how the run ended, the run that stood before, and the held runs that are obsolete now.
    fn all(
        &self,
        db: &mut dyn Connection,
        hold: Hold,
        write: impl FnOnce(&mut dyn Connection) -> Result<(), ConnectorError>,
    ) -> Result<(Ended, Option<i64>, Vec<i64>), ConnectorError> {
        let plan = self.plan();
        // Nobody publishes another run until the end, so the difference fits.
        let lock = db.for_update();
        let (turn, base) = self.begin(db, lock)?;
        write(db)?;
        let context = self.context(&plan, base, true);
        let prepared = Self::difference(&mut Owned::within(db, turn), turn, context)?;
        let removals = prepared.removals(db, self.summary, hold)?;
        if !removals.is_empty() {
            let superseded = self.keep_aside(db, &removals)?;
            return Ok((Ended::Held { run: self.run, removals }, base, superseded));
        }
        let (superseded, changes) = self.apply(db, &prepared)?;
        runs::clear_rows(db, self.run)?;
        Ok((Ended::Published { run: self.run, changes }, base, superseded))
    }
}
