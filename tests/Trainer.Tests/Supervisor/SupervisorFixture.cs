using System.IO.Compression;
using System.Text;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>A data folder with one run whose worker is the dummy, and a supervisor over it in this process.</summary>
sealed class SupervisorFixture : IAsyncDisposable
{
    // Bounded waits: generous, because they are only used up when something is broken.
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly TempFolder temp = new();
    CancellationTokenSource leave = new();
    SupervisorService? service;
    Task<int>? running;

    public SupervisorFixture(params string[] scenario)
    {
        Run = new RunFolder(Path.Combine(RunFolder.RunsOf(temp.Path), "20260101-000000-abcdef"));
        Directory.CreateDirectory(Run.Path);
        File.WriteAllLines(Path.Combine(Run.Path, "scenario"), scenario);
        File.WriteAllText(Run.Config, "{ \"name\": \"dummy\" }");
        RunCatalog.Write(Run, new RunIdentity
        {
            FormatVersion = ProtocolVersion.Run, RunId = Run.RunId, Name = "dummy", Created = TimeProvider.System.GetUtcNow(), Incarnation = 0, Finished = false,
        });
        Trainer = new TrainerFolder(temp.Path);
        Directory.CreateDirectory(Trainer.Path);
        File.WriteAllText(Trainer.Desired, $$"""{"format_version":1,"run_id":"{{Run.RunId}}","target":"Running"}""");
    }

    public static string[] DummyCommand { get; } = ["dotnet", FindDummy()];

    public RunFolder Run { get; }

    public TrainerFolder Trainer { get; }

    public string Data => temp.Path;

    public HangLimits HangLimits { get; set; } = HangLimits.Default;

    public RestartPolicy Restarts { get; set; } = new() { FirstDelay = TimeSpan.FromMilliseconds(20) };

    public TimeSpan TermGrace { get; set; } = TimeSpan.FromSeconds(5);

    public TimeSpan ReleaseGrace { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What the daemon can read of the machine; null: nothing.</summary>
    public MachineProbe? Probe { get; set; }

    public Uri? Dashboard { get; set; }

    public SupervisorService Service => service!;

    public string? KeyFile { get; set; }

    public SupervisorService Start(TimeProvider? time = null)
    {
        service = new SupervisorService(Options(), Probe, time ?? TimeProvider.System);
        running = Task.Run(() => service.RunAsync(leave.Token));
        return service;
    }

    public SupervisorOptions Options() => new()
    {
        DataFolder = temp.Path,
        Dashboard = Dashboard,
        KeyFile = KeyFile,
        WorkerCommand = DummyCommand,
        HangLimits = HangLimits,
        Restarts = Restarts,
        Grace = TimeSpan.FromSeconds(10),
        TermGrace = TermGrace,
        ReleaseGrace = ReleaseGrace,
        LookEvery = TimeSpan.FromMilliseconds(20),
        LogToConsole = false,
    };

    /// <summary>SIGTERM, as it were.</summary>
    public async Task<int> StopAsync()
    {
        await leave.CancelAsync();
        return await running!.WaitAsync(Patience);
    }

    /// <summary>Ends the daemon in order and starts another over the same folder.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        service!.Dispose();
        leave.Dispose();
        leave = new CancellationTokenSource();
        Start();
    }

    public IReadOnlyList<TelemetryRecord> Journal(string stream) =>
        [.. (Directory.Exists(Run.Journal) ? Directory.GetFiles(Run.Journal, $"{stream}-*.journal") : []).Order(StringComparer.Ordinal).SelectMany(JournalReader.Read)];

    /// <summary>Waits until the supervisor's stream has such a record.</summary>
    public async Task<T> UntilAsync<T>(Func<T, bool>? condition = null, string stream = "supervisor")
        where T : TelemetryRecord
    {
        T? found = null;
        await WaitForAsync(() => (found = Journal(stream).OfType<T>().FirstOrDefault(record => condition?.Invoke(record) ?? true)) is not null, typeof(T).Name);
        return found!;
    }

    public Task<RunStateChanged> UntilStateAsync(RunState state, string stream = "supervisor") => UntilAsync<RunStateChanged>(record => record.State == state, stream);

    /// <summary>Waits for the n-th worker's report and opens it: file name without the top folder → text.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ReportAsync(int incarnation = 1)
    {
        var path = Path.Combine(Run.Crashes, $"crash-{Run.RunId}-w{incarnation:D6}.zip");
        await WaitForAsync(() => File.Exists(path), path);
        using var zip = ZipFile.OpenRead(path);
        return zip.Entries.ToDictionary(entry => entry.FullName[(entry.FullName.IndexOf('/') + 1)..], entry =>
        {
            using var reader = new StreamReader(entry.Open(), Encoding.UTF8);
            return reader.ReadToEnd();
        });
    }

    public static async Task WaitForAsync(Func<bool> condition, string what)
    {
        var end = TimeProvider.System.GetUtcNow() + Patience;
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetUtcNow() < end, $"waited in vain for {what}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await leave.CancelAsync();
        if (running is not null) await ((Task)running).WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        service?.Dispose();
        leave.Dispose();
        temp.Dispose();
    }

    /// <summary>Built beside this project: same configuration, same framework.</summary>
    static string FindDummy()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var tail = Path.GetRelativePath(Path.Combine(output.FullName, "..", "..", "..", ".."), output.FullName);
        return Path.GetFullPath(Path.Combine(output.FullName, "..", "..", "..", "..", "..", "CrashDummy", tail, "Mcn.Web.CrashDummy.dll"));
    }
}
