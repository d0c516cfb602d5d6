using System.Security.Claims;
using Mcn.Web.Dashboard.Accounts;

namespace Mcn.Web.Dashboard.Settings;

/// <summary>
/// What only an admin may do, with the right asked at each call: an open page may be older than the person's role. Returned
/// texts are keys of Words for what went wrong; null when nothing did.
/// </summary>
public sealed class AdminActions(AccountStore accounts, ApiKeys keys, ILogger<AdminActions> log)
{
    public async Task<string?> AddUserAsync(ClaimsPrincipal admin, string name, string password, string role)
    {
        if (!May(admin)) return "NotAllowed";
        log.LogInformation("{Admin} adds user {User} as {Role}", admin.Identity!.Name, name, role);
        return await accounts.AddAsync(name, password, role);
    }

    public Task<string?> ChangeRoleAsync(ClaimsPrincipal admin, string name, string role) => GuardedAsync(admin, "role of", name, () => accounts.ChangeAsync(name, role, null));

    public Task<string?> RemoveUserAsync(ClaimsPrincipal admin, string name) => GuardedAsync(admin, "removal of", name, () => accounts.RemoveAsync(name));

    /// <summary>The new key, to be shown once; null without the right.</summary>
    public async Task<string?> CreateKeyAsync(ClaimsPrincipal admin, string name)
    {
        if (!May(admin)) return null;
        log.LogInformation("{Admin} makes API key {Key}", admin.Identity!.Name, name);
        return await keys.CreateAsync(name, admin.Identity!.Name ?? "?");
    }

    public async Task<string?> RevokeKeyAsync(ClaimsPrincipal admin, string id)
    {
        if (!May(admin)) return "NotAllowed";
        log.LogInformation("{Admin} revokes API key {Key}", admin.Identity!.Name, id);
        await keys.RevokeAsync(id);
        return null;
    }

    bool May(ClaimsPrincipal person) => person.Allows(Policies.Admin) && accounts.StillHolds(person);

    async Task<string?> GuardedAsync(ClaimsPrincipal admin, string what, string name, Func<Task<string?>> change)
    {
        if (!May(admin)) return "NotAllowed";
        log.LogInformation("{Admin} changes {What} user {User}", admin.Identity!.Name, what, name);
        try { return await change(); }
        catch (LastAdminException) { return "LastAdmin"; }
    }
}
