//! The names of the attributes that code and messages name, each once. The switches of the sections stand with these.

macro_rules! attributes {
    ($($name:ident = $word:literal),* $(,)?) => {
        $(pub(crate) const $name: &str = $word;)*

        /// All of these.
        #[cfg(test)]
        pub(super) const ALL: &[&str] = &[$($name),*];
    };
}

attributes! {
    ORG_ID = "jumpcloudOrgId",
    AUTHENTICATION = "jumpcloudAuthentication",
    TOKEN_URL = "jumpcloudTokenUrl",
    INSIGHTS_HOSTNAME = "jumpcloudInsightsHostname",
    USERS_ENDPOINT = "usersEndpoint",
    GROUP_DETAILS = "groupDetails",
    EFFECTIVE_GRANTS = "effectiveGrants",
    EFFECTIVE_GRANTS_LIMIT = "effectiveGrantsLimit",
    VERIFY_GRANTS = "verifyGrants",
    LAST_LOGIN_DAYS = "lastLoginDays",
    PRIVILEGED_GROUP_PATTERNS = "privilegedGroupPatterns",
    STALE_API_KEY_DAYS = "staleApiKeyDays",
    PAGE_SIZE = "pageSize",
    CONCURRENCY = "concurrency",
    REQUESTS_PER_SECOND = "requestsPerSecond",
    ATTEMPTS = "attempts",
    RETRY_WAIT_MILLISECONDS = "retryWaitMilliseconds",
    CONNECT_TIMEOUT_SECONDS = "connectTimeoutSeconds",
    READ_TIMEOUT_SECONDS = "readTimeoutSeconds",
    REQUEST_TIMEOUT_SECONDS = "requestTimeoutSeconds",
    RETRY_BUDGET_SECONDS = "retryBudgetSeconds",
    SCAN_LIMIT_MINUTES = "scanLimitMinutes",
    LARGEST_ANSWER_MIB = "largestAnswerMib",
    CA_BUNDLE_FILE = "caBundleFile",
    PROXY_URL = "proxyUrl",
}

/// Those that only tune how the target is asked, so that an interrupted scan goes on when they change.
pub(crate) const TUNING: &[&str] = &[
    TOKEN_URL,
    VERIFY_GRANTS,
    PAGE_SIZE,
    CONCURRENCY,
    REQUESTS_PER_SECOND,
    ATTEMPTS,
    RETRY_WAIT_MILLISECONDS,
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    RETRY_BUDGET_SECONDS,
    SCAN_LIMIT_MINUTES,
    LARGEST_ANSWER_MIB,
    CA_BUNDLE_FILE,
    PROXY_URL,
];
