using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;
using Microsoft.AspNetCore.Components.Web;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>The document. Rendered once per page on the server, so it knows the cookies: the first paint has the right theme.</summary>
public sealed partial class App
{
    [CascadingParameter]
    public required HttpContext Context { get; set; }

    bool IsDark => Context.Request.Cookies[ViewerState.ThemeCookie] == "dark";

    /// <summary>For the audit trail; behind a proxy it is the proxy's unless that is trusted.</summary>
    string? Address => Context.Connection.RemoteIpAddress?.ToString();

    /// <summary>Null for sign-in and set-up: they set cookies, which a circuit cannot.</summary>
    IComponentRenderMode? PageMode => Context.AcceptsInteractiveRouting() ? RenderMode.InteractiveServer : null;
}
