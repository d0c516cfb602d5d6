using System.Security.Claims;
using Mcn.Web.Dashboard.Accounts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;

namespace Mcn.Web.Dashboard.Settings;

/// <summary>Who may sign in, and as what.</summary>
public sealed partial class UsersPanel
{
    IReadOnlyList<User> users = [];
    string name = "";
    string password = "";
    string role = Policies.Viewer;
    string? wrong;

    [CascadingParameter]
    public required Task<AuthenticationState> Authentication { get; set; }

    [Inject]
    public required AccountStore Accounts { get; set; }

    [Inject]
    public required AdminActions Actions { get; set; }

    protected override void OnInitialized() => users = Accounts.All();

    async Task AddAsync()
    {
        await DoAsync(admin => Actions.AddUserAsync(admin, name, password, role));
        if (wrong is null) (name, password) = ("", "");
    }

    Task RoleAsync(string user, string newRole) => DoAsync(admin => Actions.ChangeRoleAsync(admin, user, newRole));

    Task RemoveAsync(string user) => DoAsync(admin => Actions.RemoveUserAsync(admin, user));

    async Task DoAsync(Func<ClaimsPrincipal, Task<string?>> action)
    {
        wrong = await action((await Authentication).User);
        users = Accounts.All();
    }
}
