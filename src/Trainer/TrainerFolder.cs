using Mcn.Web.Shared.Link;

namespace Mcn.Web.Trainer;

/// <summary>The only place that knows the names of the daemon's own files: `DATA/trainer/…`.</summary>
public sealed class TrainerFolder(string dataFolder)
{
    readonly object gate = new();
    string? id;

    public string Data { get; } = System.IO.Path.GetFullPath(dataFolder);

    public string Path => System.IO.Path.Combine(Data, "trainer");

    /// <summary>Held by the daemon for as long as it lives.</summary>
    public string Lock => In("lock");

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
