//! The words that the generator builds people, departments and machines from.

/// Given and family names of one culture: as written by their bearers, and as they stand in user names.
#[derive(Clone, Copy)]
pub(crate) struct Culture {
    pub(crate) given: &'static [(&'static str, &'static str)],
    pub(crate) family: &'static [(&'static str, &'static str)],
    /// Whether the family name comes first.
    pub(crate) family_first: bool,
}

pub(crate) const CULTURES: &[Culture] = &[
    Culture {
        given: &[
            ("Olivia", "olivia"),
            ("James", "james"),
            ("Amelia", "amelia"),
            ("Noah", "noah"),
            ("Siobhán", "siobhan"),
            ("Zoë", "zoe"),
        ],
        family: &[
            ("Smith", "smith"),
            ("O'Connor", "oconnor"),
            ("Taylor", "taylor"),
            ("Byrne", "byrne"),
            ("Smith-Jones", "smithjones"),
            ("Walker", "walker"),
        ],
        family_first: false,
    },
    Culture {
        given: &[
            ("Jürgen", "juergen"),
            ("Anneliese", "anneliese"),
            ("Günther", "guenther"),
            ("Käthe", "kaethe"),
            ("Lukas", "lukas"),
        ],
        family: &[
            ("Müller", "mueller"),
            ("Weiß", "weiss"),
            ("von der Heide", "vonderheide"),
            ("Schäfer", "schaefer"),
            ("Krüger", "krueger"),
        ],
        family_first: false,
    },
    Culture {
        given: &[
            ("François", "francois"),
            ("Chloé", "chloe"),
            ("Hélène", "helene"),
            ("Benoît", "benoit"),
            ("Maëlle", "maelle"),
        ],
        family: &[
            ("Lefèvre", "lefevre"),
            ("D'Amboise", "damboise"),
            ("Garçon", "garcon"),
            ("Dupré", "dupre"),
            ("Noël", "noel"),
        ],
        family_first: false,
    },
    Culture {
        given: &[("José", "jose"), ("Begoña", "begona"), ("Iñaki", "inaki"), ("Lucía", "lucia"), ("João", "joao")],
        family: &[
            ("Núñez", "nunez"),
            ("García Márquez", "garciamarquez"),
            ("Conceição", "conceicao"),
            ("Ibáñez", "ibanez"),
            ("Peña", "pena"),
        ],
        family_first: false,
    },
    Culture {
        given: &[
            ("Łukasz", "lukasz"),
            ("Żaneta", "zaneta"),
            ("Jiří", "jiri"),
            ("Šárka", "sarka"),
            ("Đorđe", "djordje"),
        ],
        family: &[
            ("Wójcik", "wojcik"),
            ("Dvořák", "dvorak"),
            ("Świątek", "swiatek"),
            ("Kovačević", "kovacevic"),
            ("Łęcki", "lecki"),
        ],
        family_first: false,
    },
    Culture {
        given: &[("Ayşe", "ayse"), ("İbrahim", "ibrahim"), ("Çağla", "cagla"), ("Oğuz", "oguz")],
        family: &[("Yılmaz", "yilmaz"), ("Şahin", "sahin"), ("Özdemir", "ozdemir"), ("Güneş", "gunes")],
        family_first: false,
    },
    Culture {
        given: &[("Åsa", "asa"), ("Søren", "soeren"), ("Bjørk", "bjork"), ("Äinö", "aino")],
        family: &[
            ("Ångström", "angstrom"),
            ("Østergaard", "oestergaard"),
            ("Þórsdóttir", "thorsdottir"),
            ("Mäkinen", "makinen"),
        ],
        family_first: false,
    },
    Culture {
        given: &[("伟", "wei"), ("芳", "fang"), ("秀英", "xiuying"), ("子轩", "zixuan")],
        family: &[("王", "wang"), ("李", "li"), ("欧阳", "ouyang"), ("张", "zhang")],
        family_first: true,
    },
    Culture {
        given: &[("さくら", "sakura"), ("健太郎", "kentaro"), ("翔", "sho"), ("美咲", "misaki")],
        family: &[("佐藤", "sato"), ("渡邉", "watanabe"), ("髙橋", "takahashi"), ("小林", "kobayashi")],
        family_first: true,
    },
    Culture {
        given: &[("서연", "seoyeon"), ("민준", "minjun"), ("지우", "jiwoo")],
        family: &[("김", "kim"), ("박", "park"), ("최", "choi")],
        family_first: true,
    },
    Culture {
        given: &[("فاطمة", "fatima"), ("محمد", "mohammed"), ("ليلى", "layla"), ("يوسف", "yusuf")],
        family: &[("الحسن", "alhassan"), ("بن علي", "benali"), ("الخطيب", "alkhatib"), ("منصور", "mansour")],
        family_first: false,
    },
    Culture {
        given: &[("Анна", "anna"), ("Дмитрий", "dmitry"), ("Олексій", "oleksii"), ("Ксения", "ksenia")],
        family: &[("Иванова", "ivanova"), ("Шевченко", "shevchenko"), ("Щербаков", "shcherbakov"), ("Ярош", "yarosh")],
        family_first: false,
    },
    Culture {
        given: &[("प्रिया", "priya"), ("अर्जुन", "arjun"), ("Rajesh", "rajesh"), ("Ananya", "ananya")],
        family: &[("शर्मा", "sharma"), ("पटेल", "patel"), ("Iyer", "iyer"), ("Mukherjee", "mukherjee")],
        family_first: false,
    },
    Culture {
        given: &[("Nguyễn Thị", "thi"), ("Đức", "duc"), ("Hương", "huong")],
        family: &[("Trần", "tran"), ("Lê", "le"), ("Phạm", "pham")],
        family_first: true,
    },
    Culture {
        given: &[("Adéọlá", "adeola"), ("Chidi", "chidi"), ("Ngozi", "ngozi"), ("Kwame", "kwame")],
        family: &[("Okafor", "okafor"), ("Adébáyọ̀", "adebayo"), ("Mensah", "mensah"), ("Eze", "eze")],
        family_first: false,
    },
    Culture {
        given: &[("נועה", "noa"), ("אורי", "uri"), ("תמר", "tamar")],
        family: &[("כהן", "cohen"), ("לוי", "levi"), ("בן-דוד", "bendavid")],
        family_first: false,
    },
];

pub(crate) const DEPARTMENTS: &[&str] = &[
    "Engineering",
    "Platform",
    "IT",
    "Security",
    "Finance",
    "Legal",
    "Human Resources",
    "Sales",
    "Marketing",
    "Customer Support",
    "Research & Development",
    "Einkauf",
    "Qualitätssicherung",
    "Opérations",
    "営業部",
    "Facilities",
];

pub(crate) const LEVELS: &[&str] = &["Junior", "Senior", "Principal", "Lead", "Associate", "Head of", "Director,"];

pub(crate) const OCCUPATIONS: &[&str] = &[
    "Software Engineer",
    "Site Reliability Engineer",
    "Database Administrator",
    "Accountant",
    "Counsel",
    "Recruiter",
    "Account Executive",
    "Support Analyst",
    "Product Manager",
    "Buchhalterin",
    "Chargé d'affaires",
    "Data Scientist",
    "Network Engineer",
    "Office Manager",
    "Security Analyst",
];

/// City, region, country, postal code.
pub(crate) const PLACES: &[(&str, &str, &str, &str)] = &[
    ("Denver", "CO", "US", "80202"),
    ("Zürich", "ZH", "CH", "8001"),
    ("München", "Bayern", "DE", "80331"),
    ("São Paulo", "SP", "BR", "01310-100"),
    ("東京", "東京都", "JP", "100-0001"),
    ("Kraków", "małopolskie", "PL", "30-001"),
    ("Lagos", "Lagos", "NG", "100001"),
    ("Bengaluru", "Karnataka", "IN", "560001"),
    ("London", "England", "GB", "EC1A 1BB"),
    ("القاهرة", "القاهرة", "EG", "11511"),
    ("Reykjavík", "Höfuðborgarsvæðið", "IS", "101"),
    ("Québec", "QC", "CA", "G1R 4P5"),
];

pub(crate) const STREETS: &[&str] =
    &["Blake Street", "Bahnhofstraße", "Rue de l'Église", "Avenida Paulista", "丸の内", "MG Road"];

/// Descriptions that careless exports break on.
pub(crate) const TRICKY_DESCRIPTIONS: &[&str] = &[
    "=HYPERLINK(\"http://example.invalid\",\"click\")",
    "+49 call only, \"urgent\" matters",
    "@channel owner; see wiki",
    "-2+3 starts with a minus",
    "first line\nsecond line, with a comma",
    "tab\there, carriage\r\nreturn there",
    "Contractor until 2026-12-31; badge #0042",
    "日本語の説明、カンマと「引用」",
    "NULL",
    "  leading and trailing spaces  ",
];

/// Marks that people put into their display names.
pub(crate) const MARKS: &[&str] = &["🚀", "(she/her)", "👩‍💻", "⭐️ on call", "🇺🇦", "— PhD, MBA"];

/// What service accounts serve.
pub(crate) const SERVICES: &[&str] = &[
    "jenkins",
    "backup",
    "grafana",
    "sap-sync",
    "gitlab-runner",
    "monitoring",
    "scanner",
    "okta-provisioning",
    "print",
    "deploy",
    "etl",
    "vault",
];

/// Names of groups that grant more than a job needs.
pub(crate) const PRIVILEGED_GROUPS: &[&str] = &[
    "AWS Administrators",
    "Root Access – Linux",
    "Backup Operators",
    "Kubernetes cluster-admin",
    "VPN Admins",
    "Security Officers",
    "Schema Admins",
    "Vault Operators",
];

/// Names that mean harm: one runs as a script, one changes the order of what is around it, one ends a line where none ends, and one has
/// 300 characters.
pub(crate) const HOSTILE: [&str; 4] = [
    "<script>alert(document.cookie)</script>",
    "Quarterly figures \u{202e}fdp.exe",
    "Two\r\nlines",
    "A name of three hundred characters, which nobody reads to its end, although some people do write such names: it began as a \
     joke of the team that moved to another floor, was copied into a spreadsheet, came back from there with a date in front, \
     and has been kept ever since, as a report depended on it.",
];

/// The hostile name of the object of an index, if it is one of those that begin with `first`.
pub(crate) fn hostile(first: u64, index: u64) -> Option<&'static str> {
    let at = index.checked_sub(first)?;
    HOSTILE.get(usize::try_from(at).ok()?).copied()
}
