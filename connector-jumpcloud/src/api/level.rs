//! The levels of access that JumpCloud knows: sign in, become administrator, become administrator without a password.

use connector_access::{Raise, Rank};
use connector_api::{Access, AccessLevel, Raises};
use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// What an edge, a group or a user's own flags allow on a device, weakest first. Elsewhere there is only `login`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Level {
    /// Sign in, as an ordinary user.
    #[default]
    Login,
    /// Sign in and become administrator with a password.
    Sudo,
    /// Sign in and become administrator without a password.
    SudoWithoutPassword,
}

impl Level {
    const ALL: [Self; 3] = [Self::Login, Self::Sudo, Self::SudoWithoutPassword];

    /// The accesses of all levels, weakest first: the index of each is its [`Rank`].
    pub(crate) fn accesses() -> Vec<Access> {
        Self::ALL.map(Self::access).to_vec()
    }

    /// The level in rows.
    pub(crate) const fn access(self) -> Access {
        match self {
            Self::Login => Access::of_word(AccessLevel::Use, "login"),
            Self::Sudo => Access::of_word(AccessLevel::Administer, "sudo"),
            Self::SudoWithoutPassword => Access::of_word(AccessLevel::Administer, "sudoWithoutPassword"),
        }
    }

    pub(crate) const fn rank(self) -> Rank {
        Rank(self as u32)
    }

    pub(crate) fn of_rank(rank: Rank) -> Self {
        Self::ALL.get(rank.0 as usize).copied().unwrap_or_default()
    }

    /// What a group with this level raises for its members.
    pub(crate) fn raises_of_group(self) -> Option<Raises> {
        (self > Self::Login).then(|| Raises::new(self.access(), [Kind::System.resource_type()]))
    }

    /// What a user with this level raises.
    pub(crate) fn raises_of_user(self) -> Option<Raises> {
        let mut raises = self.raises_of_group()?;
        raises.raised_by = Some(ACCOUNT_SUDO.to_owned());
        Some(raises)
    }

    /// All raises: the index of each, counted from one, is that of its level.
    pub(crate) fn raises() -> Vec<Raise> {
        let raise = |level: Self| {
            let mut raise = Raise::new(level.rank(), [Kind::System as u16]);
            raise.raised_by = Some(ACCOUNT_SUDO.to_owned());
            raise
        };
        Self::ALL[1..].iter().copied().map(raise).collect()
    }
}

/// The word for a path that a user's own flags raise.
const ACCOUNT_SUDO: &str = "accountSudo";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_known_by_their_rank() {
        assert!(Level::ALL.is_sorted() && Level::accesses().is_sorted_by_key(|access| access.level));
        for level in Level::ALL {
            assert_eq!(Level::of_rank(level.rank()), level);
            assert_eq!(Level::accesses()[level.rank().0 as usize], level.access());
        }
        for (at, raise) in (1..).zip(Level::raises()) {
            assert_eq!(raise.rank, Rank(at));
        }
    }
}
