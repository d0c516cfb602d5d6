using System.Security.Claims;
using System.Security.Cryptography;
using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Identity;

namespace Mcn.Web.Dashboard.Accounts;

/// <param name="Stamp">Changes with password and role: a session with an older one ends.</param>
public sealed record User(string Name, string Role, string Stamp, DateTimeOffset Created);

/// <summary>People of this dashboard. Passwords are kept as PBKDF2 hashes.</summary>
public sealed class AccountStore(Database database, TimeProvider time)
{
    public const int ShortestPassword = 10;
    public const int LongestPassword = 200;
    public const int LongestName = 64;
    const string StampClaim = "stamp";

    static readonly PasswordHasher<string> Hasher = new();

    // Compared with when a name is unknown, so that the time taken does not tell which names exist.
    static readonly string NobodysHash = Hasher.HashPassword("", Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));

    public IReadOnlyList<User> All() => database.Read(connection => connection.Rows("SELECT name, role, stamp, created FROM users ORDER BY name",
        row => new User(row.GetString(0), row.GetString(1), row.GetString(2), row.Time(3))));

    public bool HasAdmin() => database.Read(connection => connection.Number("SELECT count(*) FROM users WHERE role = 'admin'")) > 0;

    /// <summary>The person, or null when name and password do not belong together.</summary>
    public User? Verify(string name, string password)
    {
        var found = database.Read(connection => connection.Rows("SELECT name, role, stamp, created, hash FROM users WHERE name = $name",
            row => (User: new User(row.GetString(0), row.GetString(1), row.GetString(2), row.Time(3)), Hash: row.GetString(4)), ("$name", name))).FirstOrDefault();
        if (password.Length > LongestPassword) return null;
        var verdict = Hasher.VerifyHashedPassword(name, found.Hash ?? NobodysHash, password);
        return verdict == PasswordVerificationResult.Failed ? null : found.User;
    }

    /// <summary>Adds a person; the returned code says what is wrong, null when nothing is.</summary>
    /// <param name="onlyFirst">Adds nobody when an admin exists: decided inside the transaction, so that a link serves once.</param>
    public async Task<string?> AddAsync(string name, string password, string role, bool onlyFirst = false)
    {
        name = name.Trim();
        if (name.Length is 0 or > LongestName || name.Any(char.IsControl)) return "UserNameBad";
        if (password.Length is < ShortestPassword or > LongestPassword) return "PasswordBad";
        if (!Policies.Roles.Contains(role)) return "RoleBad";
        var hash = Hasher.HashPassword(name, password);
        return await database.WriteAsync(connection =>
        {
            if (onlyFirst && connection.Number("SELECT count(*) FROM users WHERE role = 'admin'") > 0) return "SetupClosed";
            var added = connection.Run("INSERT INTO users VALUES($name, $hash, $role, $stamp, $created) ON CONFLICT(name) DO NOTHING",
                ("$name", name), ("$hash", hash), ("$role", role), ("$stamp", NewStamp()), ("$created", time.GetUtcNow().Seconds()));
            return added == 1 ? null : "UserExists";
        });
    }

    /// <summary>Changes role or password; the sessions of that person end. The last admin stays one.</summary>
    public async Task<string?> ChangeAsync(string name, string? role, string? password)
    {
        if (role is not null && !Policies.Roles.Contains(role)) return "RoleBad";
        if (password is not null && password.Length is < ShortestPassword or > LongestPassword) return "PasswordBad";
        var hash = password is null ? null : Hasher.HashPassword(name, password);
        return await database.WriteAsync(connection =>
        {
            connection.Run("UPDATE users SET role = coalesce($role, role), hash = coalesce($hash, hash), stamp = $stamp WHERE name = $name",
                ("$name", name), ("$role", role), ("$hash", hash), ("$stamp", NewStamp()));
            return LastAdminGuard(connection);
        });
    }

    public Task<string?> RemoveAsync(string name) => database.WriteAsync(connection =>
    {
        connection.Run("DELETE FROM users WHERE name = $name", ("$name", name));
        return LastAdminGuard(connection);
    });

    public ClaimsPrincipal Principal(User user) => new(new ClaimsIdentity(
        [new Claim(ClaimTypes.Name, user.Name), new Claim(ClaimTypes.Role, user.Role), new Claim(StampClaim, user.Stamp)],
        CookieAuthenticationDefaults.AuthenticationScheme));

    /// <summary>False once the person is gone or was changed: a cookie and an open page must not outlive that.</summary>
    public bool StillHolds(ClaimsPrincipal person) => person.Identity?.Name is { } name && database.Read(connection => connection.Number(
        "SELECT count(*) FROM users WHERE name = $name AND stamp = $stamp", ("$name", name), ("$stamp", person.FindFirstValue(StampClaim)))) == 1;

    // Thrown, not returned: the change must be rolled back.
    static string? LastAdminGuard(Microsoft.Data.Sqlite.SqliteConnection connection) =>
        connection.Number("SELECT count(*) FROM users WHERE role = 'admin'") > 0 ? null : throw new LastAdminException();

    static string NewStamp() => Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
}

/// <summary>Nobody could manage the dashboard any more.</summary>
public sealed class LastAdminException() : Exception("the last admin stays");
