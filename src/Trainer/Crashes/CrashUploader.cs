using System.Net.Http.Headers;
using System.Security.Cryptography;
using Mcn.Web.Shared.Link;
using Serilog;

namespace Mcn.Web.Trainer.Crashes;

/// <summary>
/// Takes finished reports to the dashboard: one loop of the supervisor. A report is marked as sent (`.sent` behind its name) only when
/// the dashboard has said that it has it; until then it is tried again, for ever, with patience.
/// </summary>
public sealed class CrashUploader(string dataFolder, HttpClient http, ILogger log, TimeProvider time)
{
    public const string SentSuffix = ".sent";
    static readonly TimeSpan Between = TimeSpan.FromSeconds(2);
    static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    /// <summary>Uploads that did not succeed.</summary>
    public long Failures { get; private set; }

    public async Task RunAsync(CancellationToken cancel)
    {
        var wait = Between;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                foreach (var report in Unsent()) await SendAsync(report, cancel).ConfigureAwait(false);
                wait = Between;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (error is HttpRequestException or IOException or TaskCanceledException)
            {
                Failures++;
                wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
                log.Warning("A crash report could not be sent ({Reason}); next try in {Seconds} s", error.Message, wait.TotalSeconds);
            }

            await Task.Delay(wait, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Finished reports that no dashboard has, oldest first.</summary>
    public IReadOnlyList<string> Unsent()
    {
        var runs = RunFolder.RunsOf(dataFolder);
        if (!Directory.Exists(runs)) return [];
        return [.. Directory.EnumerateDirectories(runs).Select(path => new RunFolder(path).Crashes).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.zip")).OrderBy(File.GetLastWriteTimeUtc)];
    }

    /// <exception cref="HttpRequestException">The dashboard does not have it.</exception>
    public async Task SendAsync(string report, CancellationToken cancel)
    {
        using var file = new FileStream(report, FileMode.Open, FileAccess.Read, FileShare.Read);
        var hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancel).ConfigureAwait(false));
        file.Position = 0;
        using var content = new StreamContent(file);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/zip");
        using var request = new HttpRequestMessage(HttpMethod.Put, $"{LinkRoutes.Crashes}/{Path.GetFileNameWithoutExtension(report)}") { Content = content };
        request.Headers.Add("X-Content-Sha256", hash);
        using var answer = await http.SendAsync(request, cancel).ConfigureAwait(false);
        answer.EnsureSuccessStatusCode();
        File.Move(report, report + SentSuffix, overwrite: true);
        var run = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(report)));
        RunContext.Of(log, run).Information("Crash report {Report} is with the dashboard", Path.GetFileName(report));
    }
}
