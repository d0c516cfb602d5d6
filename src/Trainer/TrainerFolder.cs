using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Link;

namespace Mcn.Web.Trainer;

/// <summary>The only place that knows the names of the daemon's own files: `DATA/trainer/…`.</summary>
public sealed class TrainerFolder(string dataFolder)
{
    /// <summary>EWOULDBLOCK: what a lock that another process holds is told by.</summary>
    const int SharingViolation = 11;

    readonly object gate = new();
    string? id;

    public string Data { get; } = System.IO.Path.GetFullPath(dataFolder);

    public string Path => System.IO.Path.Combine(Data, "trainer");

    /// <summary>Held by the daemon for as long as it lives.</summary>
    public string Lock => In("lock");

    /// <summary>Number of the process that holds it, or was the last to; nobody may read a file that is locked.</summary>
    public string ProcessId => In("pid");

    /// <exception cref="UserError">The folder cannot be written.</exception>
    public void Make()
    {
        try
        {
            Directory.CreateDirectory(Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(error);
        }
    }

    /// <summary>Makes the folder and takes it for this process, whose number lies beside the lock: who is refused must be able to find it.</summary>
    /// <exception cref="UserError">The folder cannot be written (exit code 1), or another daemon holds it (3).</exception>
    public FileStream Take()
    {
        Make();
        try
        {
            var held = new FileStream(Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            Sign();
            return held;
        }
        catch (IOException error) when (error.HResult == SharingViolation)
        {
            throw new UserError(Lock, $"another daemon holds this folder{Holder()}", "one daemon a folder",
                "End it with Ctrl-C where it runs, or `kill` its process: it saves and leaves. Or name another folder with --data", ExitCodes.Refused, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(error);
        }
    }

    UserError Unwritable(Exception error) => new(Path, $"cannot be written ({error.Message})", "a folder on a disk with space", "Mend that, or name another one with --data", inner: error);

    /// <summary>A full disk must not keep a daemon from starting: then the number is missing.</summary>
    void Sign()
    {
        try
        {
            File.WriteAllText(ProcessId, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // Whoever is refused is told all the same, only not by whom.
        }
    }

    string Holder() => File.Exists(ProcessId) && File.ReadAllText(ProcessId) is { Length: > 0 } number ? $" (process {number})" : "";

    /// <summary>Unix domain socket of the command-line verbs.</summary>
    public string Socket => In("socket");

    /// <summary>Name of this trainer towards dashboards; made once.</summary>
    public string Identity => In("id");

    /// <summary>The name, made when it is first asked for; two threads that ask at once get the same.</summary>
    public string Id()
    {
        lock (gate)
        {
            if (id is not null) return id;
            var known = File.Exists(Identity) ? File.ReadAllText(Identity).Trim() : "";
            if (known.Length == 0)
            {
                Directory.CreateDirectory(Path);
                File.WriteAllText(Identity, known = Guid.NewGuid().ToString());
            }

            return id = known;
        }
    }

    /// <summary>What its samples without a run are filed under.</summary>
    public string MachineRun() => RunIntroduction.MachinePrefix + Id();

    /// <summary>Which run is loaded and what it is meant to do.</summary>
    public string Desired => In("desired.json");

    /// <summary>The last commands and their answers.</summary>
    public string Commands => In("commands.json");

    /// <summary>Samples of the machine while no run is loaded.</summary>
    public string Journal => In("journal");

    public string Logs => In("logs");

    /// <summary>Configurations that came with a start command.</summary>
    public string Received => In("received");

    string In(string name) => System.IO.Path.Combine(Path, name);
}
