using Mcn.Web.Dashboard.Accounts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;

namespace Mcn.Web.Dashboard.Settings;

/// <summary>Keys that trainers sign in with.</summary>
public sealed partial class KeysPanel
{
    IReadOnlyList<ApiKey> keys = [];
    string name = "";
    string? created;

    [CascadingParameter]
    public required Task<AuthenticationState> Authentication { get; set; }

    [Inject]
    public required ApiKeys Keys { get; set; }

    [Inject]
    public required AdminActions Actions { get; set; }

    protected override void OnInitialized() => keys = Keys.All();

    async Task CreateAsync()
    {
        created = await Actions.CreateKeyAsync((await Authentication).User, name.Length > 0 ? name : "trainer");
        name = "";
        keys = Keys.All();
    }

    async Task RevokeAsync(string id)
    {
        await Actions.RevokeKeyAsync((await Authentication).User, id);
        keys = Keys.All();
    }
}
