using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Accounts;

/// <summary>Makes the first admin; reached by the printed link only.</summary>
public sealed partial class SetupPage
{
    [SupplyParameterFromQuery]
    public string? Token { get; set; }

    [SupplyParameterFromQuery]
    public string? Error { get; set; }

    [Inject]
    public required SetupLink Setup { get; set; }
}
