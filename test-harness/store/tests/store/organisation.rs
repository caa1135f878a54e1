//! A random organisation that changes from scan to scan, and scans of it that do not read everything.

use connector_api::{
    Access, AccessLevel, Account, AccountKind, AccountLink, Binding, Descriptor, Field, Group, LastLogin, Membership,
    NodeRef, PathStep, Policy, PolicyEffect, Raises, Reason, ReasonKind, Record, Resource, RowType, ScanSummary,
    Section, SectionDescription, SectionStatus, Severity,
};
use fastrand::Rng;
use jiff::Timestamp;

use crate::support::{broken, with_statuses};

const SERVICE: Section = Section::SERVICE_ACCOUNTS;
const ROLES: Section = Section::of("roles");
const INVENTORY: Section = Section::of("inventory");
const NESTING: Section = Section::of("nesting");
const TEMPORARY: Section = Section::TEMPORARY_ACCESS;
const POLICIES: Section = Section::CONDITIONAL_ACCESS;

/// Sections of which each owns, fills in or draws from something of another kind. Only the users are core.
pub fn descriptor() -> Descriptor {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let mut descriptor = Descriptor::new("Toy", "Toy", "1.0.0");
    descriptor.sections = vec![
        describe(Section::USERS).core().owning([RowType::new("account", "user")]),
        describe(Section::ADMINISTRATORS).owning([RowType::new("account", "administrator")]),
        describe(SERVICE).owning([RowType::new("account", "serviceAccount")]),
        describe(Section::GROUPS).owning([RowType::new("group", "CREW")]),
        describe(Section::MEMBERSHIPS)
            .drawn_from([Section::GROUPS])
            .owning([RowType::new("membership", "CREW")])
            .filling_in([Field::new("group", "memberCount")]),
        describe(ROLES).owning([RowType::new("group", "ROLE"), RowType::new("membership", "ROLE")]),
        describe(Section::SYSTEMS).owning([RowType::new("resource", "system"), RowType::new("resource", "rack")]),
        describe(Section::APPLICATIONS).owning([RowType::new("resource", "application")]),
        describe(INVENTORY).filling_in([Field::new("resource", "os"), Field::new("account", "attributes.desk")]),
        describe(Section::GRANTS)
            .drawn_from([Section::SYSTEMS, Section::APPLICATIONS])
            .owning(RowType::several("binding", ["accountToResource", "groupToResource"])),
        describe(TEMPORARY)
            .owning(RowType::several("binding", ["temporaryAccountToResource"]))
            .filling_in([Field::new("membership", "expiresAt"), Field::new("membership", "requestId")]),
        describe(POLICIES).owning([RowType::new("policy", "signIn")]),
        describe(NESTING).owning(RowType::several("binding", ["groupToGroup", "resourceToResource"])),
        describe(Section::LAST_LOGIN)
            .filling_in([Field::new("account", "lastLogin"), Field::new("account", "attributes.seen")]),
    ];
    descriptor.volatile = vec![
        Field::new("account", "lastLogin"),
        Field::new("account", "attributes.tries"),
        Field::new("policy", "position"),
    ];
    descriptor
}

/// What is really so on the target.
pub struct Organisation {
    random: Rng,
    accounts: Vec<Account>,
    groups: Vec<Group>,
    resources: Vec<Resource>,
    memberships: Vec<(usize, usize, u8)>,
    bindings: Vec<Binding>,
    policies: Vec<Policy>,
    next: u32,
}

impl Organisation {
    pub fn new(seed: u64) -> Self {
        let random = Rng::with_seed(seed);
        let mut new = Self {
            random,
            accounts: Vec::new(),
            groups: Vec::new(),
            resources: Vec::new(),
            memberships: Vec::new(),
            bindings: Vec::new(),
            policies: Vec::new(),
            next: 0,
        };
        (0..60).for_each(|_| new.change());
        new
    }

    fn id(&mut self) -> String {
        self.next += 1;
        self.next.to_string()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.random.usize(..of.len())].clone()
    }

    /// Changes one thing.
    pub fn change(&mut self) {
        match self.random.u8(..20) {
            0..4 => self.hire(),
            4 if self.accounts.len() > 5 => self.leave(),
            5 | 6 => self.group(),
            7 if self.groups.len() > 3 => self.dissolve(),
            8 | 9 => self.install(),
            10 if self.resources.len() > 3 => self.scrap(),
            11..14 => self.join(),
            14 if !self.memberships.is_empty() => {
                let at = self.random.usize(..self.memberships.len());
                self.memberships.swap_remove(at);
            }
            15 | 16 => self.bind(),
            18 => self.rule(),
            17 if !self.bindings.is_empty() => {
                let at = self.random.usize(..self.bindings.len());
                self.bindings.swap_remove(at);
            }
            _ => self.edit(),
        }
    }

    /// Hires many, and gives them much to reach.
    pub fn crowd(&mut self) {
        for _ in 0..30 {
            self.hire();
            self.group();
            self.install();
        }
        for _ in 0..120 {
            self.join();
            self.bind();
        }
    }

    fn hire(&mut self) {
        let id = self.id();
        let mut account = Account::new(&*id, format!("user{id}"));
        account.email = Some(format!("User{id}@Example.com"));
        account.kind = self.kind();
        self.accounts.push(account);
    }

    fn kind(&mut self) -> AccountKind {
        // The last one belongs to no section.
        self.one(&[
            AccountKind::USER,
            AccountKind::USER,
            AccountKind::ADMINISTRATOR,
            AccountKind::SERVICE_ACCOUNT,
            AccountKind::LOCAL_ACCOUNT,
        ])
    }

    fn leave(&mut self) {
        let at = self.random.usize(..self.accounts.len());
        let gone = NodeRef::from(&self.accounts.remove(at));
        self.memberships.retain(|(account, ..)| *account != at);
        self.memberships.iter_mut().for_each(|(account, ..)| *account -= usize::from(*account > at));
        self.bindings.retain(|binding| binding.from.external_id != gone.external_id || binding.from.kind != gone.kind);
    }

    fn group(&mut self) {
        let id = self.id();
        let of_type = self.one(&["CREW", "CREW", "ROLE"]);
        self.groups.push(Group::new(&*id, of_type, format!("group{id}")));
    }

    fn dissolve(&mut self) {
        let at = self.random.usize(..self.groups.len());
        let gone = NodeRef::from(&self.groups.remove(at));
        self.memberships.retain(|(_, group, _)| *group != at);
        self.memberships.iter_mut().for_each(|(_, group, _)| *group -= usize::from(*group > at));
        self.bindings.retain(|binding| binding.from != gone && binding.to != gone);
    }

    fn install(&mut self) {
        let id = self.id();
        let of_type = self.one(&["system", "system", "rack", "application"]);
        let mut resource = Resource::new(&*id, of_type, format!("thing{id}"));
        resource.container = of_type == "rack";
        self.resources.push(resource);
    }

    fn scrap(&mut self) {
        let at = self.random.usize(..self.resources.len());
        let gone = NodeRef::from(&self.resources.remove(at));
        self.bindings.retain(|binding| binding.from != gone && binding.to != gone);
    }

    fn join(&mut self) {
        if self.accounts.is_empty() || self.groups.is_empty() {
            return;
        }
        let (account, group) = (self.random.usize(..self.accounts.len()), self.random.usize(..self.groups.len()));
        self.memberships.retain(|known| (known.0, known.1) != (account, group));
        let way = self.random.u8(..6);
        self.memberships.push((account, group, way));
    }

    fn bind(&mut self) {
        if self.resources.is_empty() || self.accounts.is_empty() || self.groups.is_empty() {
            return;
        }
        let (resources, groups) = (self.resources.clone(), self.groups.clone());
        let to = NodeRef::from(&self.one(&resources));
        let binding = match self.random.u8(..4) {
            0 => Binding::new(&groups[0], &self.one(&groups)),
            1 => Binding::new(&self.one(&resources), to),
            2 => Binding::new(&self.one(&groups), to).with_access(Access::of_word(AccessLevel::Use, "login")),
            _ => {
                let account = self.random.usize(..self.accounts.len());
                let access = self.one(&[
                    Access::of_word(AccessLevel::Use, "login"),
                    Access::of_word(AccessLevel::Administer, "sudo"),
                ]);
                let mut binding = Binding::new(&self.accounts[account], to).with_access(access);
                if self.random.bool() {
                    // Also without a request: then it is the binding that did not expire.
                    binding.request_id = self.random.bool().then(|| self.id());
                    binding.expires_at = Timestamp::from_second(self.random.i64(1..9999)).ok();
                }
                binding
            }
        };
        let key = Record::from(binding.clone()).key();
        self.bindings.retain(|known| Record::from(known.clone()).key() != key);
        self.bindings.push(binding);
    }

    fn rule(&mut self) {
        if self.policies.len() > 3 {
            let at = self.random.usize(..self.policies.len());
            self.policies.swap_remove(at);
        }
        let id = self.id();
        let effect = self.one(&[PolicyEffect::ALLOW, PolicyEffect::DENY, PolicyEffect::REQUIRE_SECOND_FACTOR]);
        let mut policy = Policy::new(&*id, "signIn", format!("policy{id}"), effect);
        policy.subjects.everyone = self.groups.is_empty();
        policy.subjects.included = self.groups.first().map(NodeRef::from).into_iter().collect();
        self.policies.push(policy);
    }

    fn edit(&mut self) {
        let tag = self.random.u16(..).to_string();
        match self.random.u8(..11) {
            9 => {
                let at = self.random.usize(..self.accounts.len().max(1));
                let Some(account) = self.accounts.get_mut(at) else { return };
                account.username = format!("user {tag}");
            }
            10 => {
                let at = self.random.usize(..self.policies.len().max(1));
                let Some(policy) = self.policies.get_mut(at) else { return };
                policy.enabled = Some(!policy.enabled.unwrap_or_default());
            }
            0 => {
                let kind = self.kind();
                let at = self.random.usize(..self.accounts.len().max(1));
                if let Some(account) = self.accounts.get_mut(at) {
                    // Bindings name the kind.
                    let id = account.external_id.clone();
                    account.kind = kind;
                    self.bindings.retain(|binding| binding.from.external_id != id);
                }
            }
            1..5 => {
                let reasons = self.reasons();
                let links = self.links();
                let write = Access::of_word(AccessLevel::Write, "write");
                let raises = self.random.bool().then(|| Raises::new(write, ["system"]));
                let at = self.random.usize(..self.accounts.len().max(1));
                let Some(account) = self.accounts.get_mut(at) else { return };
                account.display_name = Some(format!("Name {tag}"));
                account.reasons = reasons;
                account.links = links;
                account.raises = raises;
                account.attributes = [("desk", tag.clone().into()), ("seen", tag.into()), ("tries", 1.into())].into();
            }
            5 | 6 => {
                let reasons = self.reasons();
                let at = self.random.usize(..self.groups.len().max(1));
                let Some(group) = self.groups.get_mut(at) else { return };
                group.name = format!("group {tag}");
                group.privileged = reasons.iter().any(|reason| reason.kind == ReasonKind::Privilege);
                group.reasons = reasons;
                group.raises = Some(Raises::new(Access::of_word(AccessLevel::Administer, "sudo"), ["system"]));
            }
            _ => {
                let at = self.random.usize(..self.resources.len().max(1));
                let Some(resource) = self.resources.get_mut(at) else { return };
                resource.os = Some(format!("os {tag}"));
                resource.name = format!("thing {tag}");
            }
        }
    }

    fn reasons(&mut self) -> Vec<Reason> {
        let sections = [Section::USERS, Section::ADMINISTRATORS, Section::GRANTS, Section::LAST_LOGIN, INVENTORY];
        let mut reasons: Vec<Reason> = Vec::new();
        for _ in 0..self.random.usize(..4) {
            let code = self.one(&["power", "stale", "shared"]);
            if reasons.iter().any(|reason| reason.code == code) {
                continue;
            }
            let (kind, severity) =
                (self.one(&[ReasonKind::Privilege, ReasonKind::Risk]), self.one(&[Severity::Low, Severity::High]));
            let words = format!("is so {}", self.random.u8(..));
            let mut reason = Reason::new(code, kind, severity, words, "look");
            reason = reason.drawn_from([self.one(&sections)]);
            if self.random.bool() {
                reason = reason.with_details_from([self.one(&sections)]);
            }
            reasons.push(reason);
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
        reasons
    }

    fn links(&mut self) -> Vec<AccountLink> {
        let section = self.one(&[Section::USERS, Section::ADMINISTRATORS]);
        let link = AccountLink::new(self.random.u8(..4).to_string(), AccountKind::USER, "sharedEmail");
        (0..self.random.usize(..2)).map(|_| link.clone().drawn_from([section])).collect()
    }

    /// A scan of it now: not every section is read completely, and of those only a part comes.
    pub fn scan(&mut self, descriptor: &Descriptor) -> (Vec<Record>, ScanSummary) {
        let mut statuses = Vec::new();
        for described in &descriptor.sections {
            let is_whole = self.random.u8(..10) < if described.core { 9 } else { 7 };
            let status = match self.random.u8(..3) {
                _ if is_whole => SectionStatus::Complete,
                0 => SectionStatus::Skipped,
                1 => SectionStatus::Unavailable { error: broken() },
                _ => SectionStatus::Incomplete { error: broken() },
            };
            statuses.push((described.section, status));
        }
        let whole = |section: Section| {
            let status = statuses.iter().find(|(known, _)| *known == section);
            status.is_some_and(|(_, status)| *status == SectionStatus::Complete)
        };
        let read = |section: Section| whole(section);
        let filled = [Section::LAST_LOGIN, INVENTORY, Section::MEMBERSHIPS, TEMPORARY].map(read);
        let rows = self.truth(filled);
        let rows = rows.into_iter().filter(|row| descriptor.owner(row).is_none_or(whole) || self.random.bool());
        let rows = rows.collect();
        (rows, with_statuses(descriptor, |section| statuses.iter().find(|one| one.0 == section).unwrap().1.clone()))
    }

    /// All rows that a section owns: others are not taken.
    pub fn whole(&mut self) -> Vec<Record> {
        let (rows, descriptor) = (self.truth([true; 4]), descriptor());
        rows.into_iter().filter(|row| descriptor.owner(row).is_some()).collect()
    }

    /// All rows, with what other sections fill in where they were read.
    fn truth(&mut self, [logins, inventory, counted, temporary]: [bool; 4]) -> Vec<Record> {
        let mut rows = Vec::new();
        for account in &self.accounts {
            let mut account = account.clone();
            let mut attributes = account.attributes.to_map();
            if logins {
                let mut login = LastLogin::default();
                login.service = Some(self.random.u16(..).to_string());
                account.last_login = Some(login);
            } else {
                attributes.remove("seen");
            }
            if !inventory {
                attributes.remove("desk");
            }
            if attributes.contains_key("tries") {
                attributes.insert("tries".into(), self.random.u8(..).into());
            }
            account.attributes = attributes.into();
            rows.push(account.into());
        }
        for (at, group) in self.groups.iter().enumerate() {
            let mut group = group.clone();
            let members = self.memberships.iter().filter(|(_, group, _)| *group == at).count();
            group.member_count = counted.then_some(members as u64);
            rows.push(group.into());
        }
        for (account, group, way) in &self.memberships {
            let (account, group) = (&self.accounts[*account], &self.groups[*group]);
            let mut membership = Membership::new(account, group);
            // Plain, indirect, both, and the same until a certain time.
            membership.direct = *way % 3 != 1;
            if *way % 3 > 0 {
                membership.via = vec![PathStep::new("CREW", "9", "inner"); usize::from(*way % 3)];
            }
            if *way >= 3 && temporary {
                membership.expires_at = Timestamp::from_second(i64::from(*way) * 1000).ok();
                membership.request_id = membership.direct.then(|| format!("request {way}"));
            }
            rows.push(membership.into());
        }
        for resource in &self.resources {
            let mut resource = resource.clone();
            resource.os = resource.os.filter(|_| inventory);
            rows.push(resource.into());
        }
        rows.extend(self.bindings.iter().cloned().map(Record::from));
        for policy in &self.policies {
            let mut policy = policy.clone();
            policy.position = Some(self.random.u64(..9));
            rows.push(policy.into());
        }
        rows
    }
}
