using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>One run by its id, a past one too.</summary>
public sealed partial class RunPage
{
    /// <summary>Which run.</summary>
    [Parameter]
    public required string RunId { get; set; }
}
