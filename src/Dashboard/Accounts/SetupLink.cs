using System.Security.Cryptography;
using System.Text;

namespace Mcn.Web.Dashboard.Accounts;

/// <summary>
/// The way in before there is an admin: a link with a random token, printed at the start, another one each time. There is no
/// default password. Closed for good once an admin exists.
/// </summary>
public sealed class SetupLink(AccountStore accounts)
{
    readonly string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));

    public bool IsOpen => !accounts.HasAdmin();

    public string Path => $"/setup?token={token}";

    public bool Admits(string? given) => IsOpen
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given ?? ""), Encoding.UTF8.GetBytes(token));

    /// <summary>Makes the first admin; the returned code says what is wrong, null when nothing is.</summary>
    public async Task<string?> UseAsync(string? given, string name, string password) =>
        Admits(given) ? await accounts.AddAsync(name, password, Policies.Admin, onlyFirst: true) : "SetupClosed";
}
