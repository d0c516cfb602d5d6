using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Accounts;

/// <summary>The languages, each in its own name.</summary>
public sealed partial class LanguageLinks
{
    [Inject]
    public required NavigationManager Navigation { get; set; }

    string Here => Uri.EscapeDataString(new Uri(Navigation.Uri).PathAndQuery);
}
