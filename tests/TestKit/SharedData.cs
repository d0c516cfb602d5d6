namespace Mcn.Web.TestKit;

/// <summary>
/// Finds `../shared` beside the clone (golden vectors in full, the digits-3m set), or the reason why a test must skip.
/// MCN_SHARED names another place.
/// </summary>
public static class SharedData
{
    public const string SkipReason = "no ../shared beside the clone (golden vectors in full and digits-3m); MCN_SHARED may name it";

    public static string? Folder { get; } = Find();

    /// <summary>A file or folder below ../shared, or null when it is not there.</summary>
    public static string? Find(string relative)
    {
        if (Folder is null) return null;
        var path = Path.Combine(Folder, relative);
        return Path.Exists(path) ? path : null;
    }

    static string? Find()
    {
        if (Environment.GetEnvironmentVariable("MCN_SHARED") is { Length: > 0 } named) return Directory.Exists(named) ? named : null;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Mcn.Web.sln"))) continue;
            var shared = Path.Combine(folder.Parent!.FullName, "shared");
            return Directory.Exists(shared) ? shared : null;
        }

        return null;
    }
}
