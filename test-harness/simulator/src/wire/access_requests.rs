//! Requests for temporary access: `jumpcloud.ingresso.WorkflowAccessRequest` as `GET /api/v2/approvalflowrequest` lists
//! them, and `jumpcloud.ingresso.GetAccessRequestResponse`.

use super::{Object, time};
use crate::organization::{AccessRequest, Kind, Node, Organization};

impl Organization {
    /// Writes a request that went through an approval flow.
    pub(crate) fn write_flow_request(&self, request: &AccessRequest, o: &mut Object<'_>) {
        let user = self.user(request.user);
        let is_device = request.resource.kind == Kind::System;
        o.put("id", &request.id);
        o.put("approvalFlowId", format!("{}-flow", request.id));
        o.put("approvalFlowName", if is_device { "Device admin" } else { "Project" });
        o.put("approvalType", "MANUAL");
        o.put("requestor", &user.id);
        o.put("userName", &user.username);
        o.put("department", user.department);
        o.put("resourceId", self.id(request.resource));
        o.put("resourceType", resource_type(request.resource));
        o.put_some("group", request.group.map(|group| self.id(Node::new(Kind::UserGroup, group))));
        o.put_some(
            "devicePermissionLevel",
            request.sudo.map(|sudo| match sudo.without_password {
                true => "PASSWORDLESS_SUDO",
                false => "ADMIN",
            }),
        );
        o.put("status", request.status);
        o.put("timeBasedAccess", true);
        o.put("sessionStartDate", time(request.starts_at));
        o.put("expirationDate", time(request.expires_at));
        o.put("createdAt", time(request.starts_at));
        o.put("nonAdminApproval", false);
        o.put("remarks", "=cmd|' /C calc'!A0");
    }

    /// Writes what was granted.
    pub(crate) fn write_access_request(&self, request: &AccessRequest, o: &mut Object<'_>) {
        o.put("id", 16_839 + request.index);
        o.put("accessId", &request.id);
        o.put(
            "accessState",
            if request.status == "APPROVED" { "granted".to_owned() } else { request.status.to_lowercase() },
        );
        o.put("requestorId", self.id(Node::new(Kind::User, request.user)));
        o.put("resourceId", self.id(request.resource));
        o.put("resourceType", resource_type(request.resource));
        o.put("tempGroupId", request.group.map_or(String::new(), |group| self.id(Node::new(Kind::UserGroup, group))));
        o.put("expiry", time(request.expires_at));
        if let Some(sudo) = request.sudo {
            o.object("additionalAttributes", |o| o.put("sudo", sudo));
        }
        o.put("version", 0);
    }
}

fn resource_type(resource: Node) -> &'static str {
    match resource.kind {
        Kind::System => "device",
        kind => kind.name(),
    }
}
