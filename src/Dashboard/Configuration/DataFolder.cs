using Mcn.Web.Shared;

namespace Mcn.Web.Dashboard.Configuration;

/// <summary>
/// The only place that knows the names of the dashboard's files, and the lock on them: one dashboard a folder. Disposing
/// gives the lock back; the kernel does so too when the process dies.
/// </summary>
public sealed class DataFolder : IDisposable
{
    readonly FileStream held;

    public DataFolder(string data)
    {
        Root = Path.Combine(data, "dashboard");
        try
        {
            Directory.CreateDirectory(Root);
            if (OperatingSystem.IsLinux()) File.SetUnixFileMode(Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Directory.CreateDirectory(Keys);
            Directory.CreateDirectory(Crashes);
            Directory.CreateDirectory(Logs);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError("--data", $"{Root} cannot be made ({error.Message})", "a folder that can be written", "", ExitCodes.Usage, error);
        }

        try
        {
            held = new FileStream(Path.Combine(Root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            throw new UserError(Root, "another dashboard is using this folder", "one dashboard a folder", "Stop the other one or give another --data", ExitCodes.Refused, error);
        }
    }

    public string Root { get; }

    public string DatabaseFile => Path.Combine(Root, "dashboard.db");

    /// <summary>Data protection keys: with them cookies outlive a restart.</summary>
    public string Keys => Path.Combine(Root, "keys");

    /// <summary>Crash reports received.</summary>
    public string Crashes => Path.Combine(Root, "crashes");

    public string Logs => Path.Combine(Root, "logs");

    public void Dispose() => held.Dispose();
}
