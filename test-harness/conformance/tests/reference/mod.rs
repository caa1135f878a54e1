//! A connector that only reads memory. It is sound, and can be broken in one way at a time.

mod connector;
mod descriptor;
mod target;

use connector::ReferenceConnector;
use connector_api::{
    Access, AccessLevel, Account, AccountKind, AccountLink, Binding, Credential, Grant, Group, Membership, NodeKind,
    NodeRef, Principal, Reason, ReasonKind, Record, Registration, Resource, ResourceRef, Section, Severity,
    SystemConfig, async_trait, inventory,
};
use connector_conformance::{Fixture, NoTarget, Scenario, Target, Trap, Truth};

pub const SECRET: &str = "reference-secret-4c1d";
pub const USERS: usize = 130;
pub const GROUPS: usize = 12;
pub const RESOURCES: usize = 5;

macro_rules! breakages {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// A way in which the connector is broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Breakage {
            $($(#[$doc])* $name),*
        }

        impl Breakage {
            const ALL: &[Breakage] = &[$(Self::$name),*];
        }
    };
}

breakages! {
    /// Not broken.
    Sound,
    // Descriptor.
    SaysNothingOfItself,
    TunesWhatIsNotThere,
    DescribesAnew,
    IsNotRegistered,
    RenamesItself,
    RefusesToConnect,
    // Settings.
    InvalidSchema,
    OpenSchema,
    DefaultViolatesSchema,
    UntitledProperty,
    UnmarkedSecret,
    ConfusableNames,
    UntypedProperty,
    NeedsSecretSecretly,
    // Form.
    TwoTypes,
    TypeOfAlternatives,
    UntitledChoice,
    ChoiceTitledNone,
    ChoiceTitledDash,
    ListOfWords,
    MarkdownInHelp,
    LinesInHelp,
    BoldInHelp,
    TagInHelp,
    TabInHelp,
    ReturnInHelp,
    MarkdownInHeading,
    ReferenceForType,
    AlternativesWithType,
    NullInTuple,
    NullInMap,
    OnlyNull,
    UnknownKeyword,
    UnknownKeywordWithin,
    TwoChoicesWithOneTitle,
    TwoPropertiesWithOneTitle,
    TwoGroupsWithOneTitle,
    UntitledWithin,
    UnknownFormat,
    FormForgetsAnAttribute,
    FormRepeatsAnAttribute,
    FormNamesWhatIsNotThere,
    FormWithoutHeadings,
    // Connection test.
    FailsHealthyTest,
    CallsRefusedTimeout,
    CallsUnauthorizedForbidden,
    CallsForbiddenUnauthorized,
    NeverTimesOut,
    TrustsAnyCertificate,
    TestsUsersAlone,
    ScansWithoutRights,
    // Rows.
    DropsARow,
    InvertsEnabled,
    LeavesOutTheWord,
    InvertsAdmin,
    ChangesOrder,
    RepeatsARow,
    SharesAUsername,
    DanglingMembership,
    MembershipsFirst,
    WrongMemberCount,
    UnannouncedType,
    UnannouncedReason,
    MoreSevereThanAnnounced,
    PrivilegedWithoutReason,
    PrivilegedResource,
    // Flow of rows.
    ForgetsASection,
    OwnsNoGrants,
    ClosesBeforeItsRows,
    LeavesOutCore,
    FillsInSecretly,
    Miscounts,
    IgnoresBackPressure,
    HugeBatches,
    SwallowsSinkError,
    GoesOnAfterSinkError,
    LosesWhatFailsInPassing,
    // Interruption.
    IgnoresCancel,
    IgnoresCancelWhileWaiting,
    ResumeLosesRows,
    ResumeRepeatsRows,
    MisreadsOtherVersions,
    RefusesNamelessly,
    TakesAnyCheckpoint,
    TakesDamagedCheckpoint,
    // Completeness.
    HidesIncompleteCore,
    HidesIncompleteOptional,
    CallsLeftOutComplete,
    BlamesAnother,
    TakesOthersAlong,
    CallsDrawnComplete,
    SendsWhatIsLeftOut,
    LeavesOutMore,
    // Where the credential goes.
    SpeaksPlainHttp,
    AsksBeforeItRefuses,
    FollowsRedirects,
    FollowsForeignLinks,
    IgnoresForeignLinks,
    // Secrecy.
    LeaksInError,
    LeaksInLog,
    PrintsSecret,
    PrintsSecretAsError,
    LeaksThroughLog,
    LeaksInRecord,
    LeaksInCheckpoint,
    LeaksInOptionalSection,
    LeaksInRefusedCheckpoint,
    LeaksInRefusedRequest,
    LeaksInPlan,
    LeaksInOrganizations,
    Panics,
}

inventory::submit! { Registration::of::<ReferenceConnector<{ Breakage::Sound as usize }>>() }

/// The fixture of the connector with the breakage of that index.
#[derive(Debug, Clone, Copy)]
pub struct Reference<const BREAKAGE: usize>;

#[async_trait]
impl<const BREAKAGE: usize> Fixture for Reference<BREAKAGE> {
    fn registration(&self) -> Registration {
        Registration::of::<ReferenceConnector<BREAKAGE>>()
    }

    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget> {
        let trap = Trap::start().await.map_err(NoTarget::broken)?;
        let hostname = match scenario {
            Scenario::PlainHttp | Scenario::Redirects | Scenario::ForeignNextLink => {
                format!("{scenario:?}-{}", trap.address()).to_lowercase()
            }
            Scenario::TransientFaults { seed } => format!("transient-{seed}"),
            Scenario::SectionFails(section) => format!("fails-{section}"),
            other => format!("{other:?}").to_lowercase(),
        };
        let os_type = self.registration().descriptor().os_type;
        let system = SystemConfig::new(os_type, hostname, Credential::from_secret(SECRET));
        Ok(Target::new(system, Truth::of(sections().iter().flat_map(|(_, rows)| rows))).with_trap(trap))
    }
}

/// The target's records, section by section.
pub fn sections() -> Vec<(Section, Vec<Record>)> {
    vec![
        (Section::USERS, (0..USERS).map(|user| account(user).into()).collect()),
        (Section::GROUPS, (0..GROUPS).map(|index| group(index).into()).collect()),
        (Section::MEMBERSHIPS, members().map(|(user, index)| membership(user, index).into()).collect()),
        (Section::APPLICATIONS, (0..RESOURCES).map(|index| resource(index).into()).collect()),
        (
            Section::GRANTS,
            (0..RESOURCES)
                .map(|index| binding(index).into())
                .chain((0..RESOURCES).map(|index| grant(index).into()))
                .collect(),
        ),
    ]
}

fn members() -> impl Iterator<Item = (usize, usize)> {
    (0..GROUPS).flat_map(|index| (0..USERS).filter(move |user| *user >= index).map(move |user| (user, index)))
}

pub fn account(user: usize) -> Account {
    let link = AccountLink::new("u000", AccountKind::USER, "sharedEmail").drawn_from([Section::USERS]);
    let mut row = Account::new(format!("u{user:03}"), format!("user{user}"));
    row.links = (user == 1).then_some(link).into_iter().collect();
    (row.enabled, row.admin) = (Some(user % 10 != 3), Some(user == 2));
    row.department = (user == 0).then(|| "Operations".into());
    row
}

pub fn group(index: usize) -> Group {
    let mut row = Group::new(format!("g{index:02}"), "REFERENCE_GROUP", format!("Group {index}"));
    row.member_count = Some(members().filter(|(_, group)| *group == index).count() as u64);
    row.privileged = index == 3;
    row.reasons = (index == 3).then(|| reason("first", Severity::Low)).into_iter().collect();
    row
}

/// A reason that makes the members of a group privileged.
pub fn reason(code: &str, severity: Severity) -> Reason {
    Reason::new(code, ReasonKind::Privilege, severity, "is the third", "count again")
}

pub fn membership(user: usize, index: usize) -> Membership {
    Membership::new(&account(user), &group_reference(index))
}

/// A group without its member count, which takes time to compute.
fn group_reference(index: usize) -> Group {
    Group::new(format!("g{index:02}"), "REFERENCE_GROUP", format!("Group {index}"))
}

pub fn resource(index: usize) -> Resource {
    Resource::new(format!("r{index}"), "application", format!("Application {index}"))
}

pub fn grant(index: usize) -> Grant {
    let (group, resource) = (group_reference(index), resource(index));
    let principal = Principal::group(group.external_id, group.group_type, group.name);
    let resource = ResourceRef::new(resource.external_id, resource.resource_type, resource.name);
    let mut grant = Grant::new(principal, resource, ACCESS);
    grant.direct = true;
    grant
}

/// The access of every grant and binding.
const ACCESS: Access = Access::of_word(AccessLevel::Use, "open");

fn binding(index: usize) -> Binding {
    let (group, resource) = (group_reference(index), resource(index));
    let from = NodeRef::new(NodeKind::Group, group.group_type, group.external_id);
    Binding::new(from, NodeRef::new(NodeKind::Resource, resource.resource_type, resource.external_id))
        .with_access(ACCESS)
}
