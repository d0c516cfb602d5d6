using Mcn.Web.Dashboard.Accounts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;

namespace Mcn.Web.Dashboard.Settings;

/// <summary>One's own password; all sessions of that person end with it, this one too.</summary>
public sealed partial class ChangePassword
{
    string old = "";
    string fresh = "";
    string? told;

    [CascadingParameter]
    public required Task<AuthenticationState> Authentication { get; set; }

    [Inject]
    public required AccountStore Accounts { get; set; }

    async Task ChangeAsync()
    {
        var name = (await Authentication).User.Identity?.Name ?? "";
        told = Accounts.Verify(name, old) is null ? "SignInWrong" : await Accounts.ChangeAsync(name, null, fresh) ?? "PasswordChanged";
        (old, fresh) = ("", "");
    }
}
