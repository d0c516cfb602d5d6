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
        // Late: Blazor sends no body for a page that has said 404 before it is rendered.
        Request?.Response.OnStarting(() =>
        {
            Request.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }
}
