using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>Every address that is no other page's, with status 404.</summary>
public sealed partial class NotFoundPage
{
    [Parameter]
    public string? Path { get; set; }

    /// <summary>Null once the page lives on its circuit.</summary>
    [CascadingParameter]
    public HttpContext? Request { get; set; }

    protected override void OnInitialized()
    {
        if (Request is { Response.HasStarted: false } request) request.Response.StatusCode = StatusCodes.Status404NotFound;
    }
}
