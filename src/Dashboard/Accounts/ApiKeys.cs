using System.Security.Cryptography;
using System.Text;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;

namespace Mcn.Web.Dashboard.Accounts;

public sealed record ApiKey(string Id, string Name, DateTimeOffset Created, string CreatedBy, DateTimeOffset? Revoked);

/// <summary>
/// Keys of trainers: `mcn_ID_SECRET`, shown once, kept as SHA-256 (the secret is random and long: a slow hash adds nothing).
/// </summary>
public sealed class ApiKeys(Database database, TimeProvider time)
{
    const string Prefix = "mcn";

    /// <summary>The key that the trainer on this machine reads from a file.</summary>
    public const string LocalName = "local trainer";

    public IReadOnlyList<ApiKey> All() => database.Read(connection => connection.Rows(
        "SELECT id, name, created, created_by, revoked FROM api_keys ORDER BY created DESC",
        row => new ApiKey(row.GetString(0), row.GetString(1), row.Time(2), row.GetString(3), row.IsDBNull(4) ? null : row.Time(4))));

    /// <summary>Makes a key and returns it; it cannot be seen again.</summary>
    public async Task<string> CreateAsync(string name, string by)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
        var key = $"{Prefix}_{id}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24))}";
        await InsertAsync(id, name.Trim(), key, by);
        return key;
    }

    public Task RevokeAsync(string id) => database.WriteAsync(connection =>
    {
        connection.Run("UPDATE api_keys SET revoked = $now WHERE id = $id AND revoked IS NULL", ("$id", id), ("$now", time.GetUtcNow().Seconds()));
    });

    /// <summary>The key that this text is, or null. Takes the same time for every wrong secret.</summary>
    public ApiKey? Verify(string text)
    {
        if (text.Length > 200 || text.Split('_') is not [Prefix, var id, _]) return null;
        var found = database.Read(connection => connection.Rows(
            "SELECT id, name, created, created_by, sha256 FROM api_keys WHERE id = $id AND revoked IS NULL",
            row => (Key: new ApiKey(row.GetString(0), row.GetString(1), row.Time(2), row.GetString(3), null), Hash: (byte[])row.GetValue(4)), ("$id", id))).FirstOrDefault();
        return found.Hash is not null && CryptographicOperations.FixedTimeEquals(found.Hash, Hash(text)) ? found.Key : null;
    }

    /// <summary>
    /// For both programs on one machine: makes the file when it is not there, readable by its owner only, and accepts the key
    /// in it, also when this database is new and the file is not.
    /// </summary>
    public async Task AcceptFileAsync(string file)
    {
        if (!File.Exists(file))
        {
            var key = await CreateAsync(LocalName, "local");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using var stream = new FileStream(file, options);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(key + "\n"));
            return;
        }

        var text = (await File.ReadAllTextAsync(file)).Trim();
        if (Verify(text) is not null) return;
        if (text.Split('_') is not [Prefix, { Length: 12 } id, { Length: 48 }])
            throw new UserError("--trainer-key-file", $"{file} holds no key", $"one line {Prefix}_…", "Remove the file: the dashboard makes a new one", ExitCodes.Usage);
        // A key that was revoked stays revoked.
        if (All().Any(key => key.Id == id))
            throw new UserError("--trainer-key-file", $"the key in {file} is revoked", "a key that is in force", "Remove the file: the dashboard makes a new one", ExitCodes.Usage);
        await InsertAsync(id, LocalName, text, "local");
    }

    Task InsertAsync(string id, string name, string key, string by) => database.WriteAsync(connection =>
    {
        connection.Run("INSERT INTO api_keys VALUES($id, $name, $hash, $created, $by, NULL)",
            ("$id", id), ("$name", name), ("$hash", Hash(key)), ("$created", time.GetUtcNow().Seconds()), ("$by", by));
    });

    static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
