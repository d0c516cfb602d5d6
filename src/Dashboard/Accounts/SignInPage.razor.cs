using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Accounts;

/// <summary>A static form: the answer sets the cookie.</summary>
public sealed partial class SignInPage
{
    [SupplyParameterFromQuery]
    public string? ReturnUrl { get; set; }

    [SupplyParameterFromQuery]
    public string? Error { get; set; }

    [Inject]
    public required SetupLink Setup { get; set; }
}
