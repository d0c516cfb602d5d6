using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Data.Checking;

/// <summary>
/// Checks every video of a configuration's list: the list, the captions, then the files on several threads, chunk by chunk. A finished
/// chunk is in the state file at once, so that an interrupted check goes on where it was. Memory: the ids of the list, three figures of
/// captions a video, and one video's arrays a thread.
/// </summary>
public sealed class DataCheck
{
    const int VideosPerChunk = 32;

    readonly RunConfig config;
    readonly VideoList videos;
    readonly CheckReport report;
    readonly Lock gate = new();
    readonly Action<CheckProgress> progress;
    int nextChunk;
    int checkedVideos;
    long bytesNow;

    DataCheck(RunConfig config, string name, Action<CheckProgress> progress)
    {
        this.config = config;
        this.progress = progress;
        videos = VideoList.Read(config.Data.TrainCsv);
        report = new CheckReport { Config = name, Videos = videos.Count };
    }

    /// <summary>Runs the check to its end.</summary>
    /// <param name="name">The configuration's file, for the report.</param>
    /// <param name="stateFolder">Where the state file lies while the check is not complete.</param>
    /// <param name="progress">Called after each chunk, on any thread, one at a time.</param>
    /// <exception cref="OperationCanceledException">What was checked so far is in the state file.</exception>
    public static CheckReport Run(RunConfig config, string name, string stateFolder, int threads, Action<CheckProgress> progress, CancellationToken stop)
    {
        HowToLayout.Require(config);
        var check = new DataCheck(config, name, progress);
        check.CheckList();
        var captions = CaptionCheck.Run(config.Data.CaptionPath, check.videos, check.report.Add);
        var identity = check.Identity();
        using var state = CheckState.Open(Path.Combine(stateFolder, $"check-{identity[..16]}.jsonl"), identity);
        check.CheckFiles(captions, state, threads, stop);
        stop.ThrowIfCancellationRequested();
        state.Delete();
        check.report.Sort();
        return check.report;
    }

    void CheckList()
    {
        var (rowOfPath, rowOfId) = (new Dictionary<string, int>(StringComparer.Ordinal), new Dictionary<string, int>(StringComparer.Ordinal));
        for (var video = 0; video < videos.Count; video++)
        {
            var (path, id) = (videos.PathOf(video), videos.IdOf(video));
            if (!rowOfPath.TryAdd(path, video))
                Add(FindingKind.DuplicateRow, video, $"{path} stands in row {rowOfPath[path] + 1} too", "each path once");
            else if (!rowOfId.TryAdd(id, video))
                Add(FindingKind.DuplicateId, video, $"the id of {path} is that of {videos.PathOf(rowOfId[id])} in row {rowOfId[id] + 1}", "each id once");
        }

        void Add(string kind, int video, string found, string expected) => report.Add(new Finding(kind, video + 1, videos.Source, found, expected));
    }

    void CheckFiles(CaptionSpan[] captions, CheckState state, int threads, CancellationToken stop)
    {
        var done = new HashSet<int>();
        foreach (var chunk in state.Finished)
        {
            if (!done.Add(chunk.Number)) continue;
            Take(chunk);
            report.ResumedVideos += VideosOf(chunk.Number);
        }

        checkedVideos = report.ResumedVideos;
        Exception? failure = null;
        var workers = Enumerable.Range(0, threads).Select(i => new Thread(() =>
        {
            try
            {
                using var check = new VideoCheck(config, videos, captions);
                while (Claim(done) is { } chunk && CheckChunk(check, chunk, stop) is { } result) Finish(state, result);
            }
            catch (Exception error)
            {
                lock (gate) failure ??= error; // a full disk under the state file, for one
            }
        })
        { Name = $"check-{i}", IsBackground = true }).ToList();
        foreach (var worker in workers) worker.Start();
        foreach (var worker in workers) worker.Join();
        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    int? Claim(HashSet<int> done)
    {
        lock (gate)
        {
            while (done.Contains(nextChunk)) nextChunk++;
            return nextChunk * VideosPerChunk < videos.Count ? nextChunk++ : null;
        }
    }

    /// <summary>Null when told to stop before the chunk was complete.</summary>
    CheckedChunk? CheckChunk(VideoCheck check, int chunk, CancellationToken stop)
    {
        var result = new CheckedChunk(chunk, 0, []);
        for (var video = chunk * VideosPerChunk; video < (chunk * VideosPerChunk) + VideosOf(chunk); video++)
        {
            if (stop.IsCancellationRequested) return null;
            var (findings, bytes) = check.Check(video);
            result.Findings.AddRange(findings);
            result = result with { Bytes = result.Bytes + bytes };
        }

        return result;
    }

    void Finish(CheckState state, CheckedChunk chunk)
    {
        lock (gate)
        {
            state.Append(chunk);
            Take(chunk);
            checkedVideos += VideosOf(chunk.Number);
            bytesNow += chunk.Bytes;
            progress(new CheckProgress(checkedVideos, checkedVideos - report.ResumedVideos, videos.Count, bytesNow, report.Count));
        }
    }

    void Take(CheckedChunk chunk)
    {
        report.Bytes += chunk.Bytes;
        foreach (var finding in chunk.Findings) report.Add(finding);
    }

    int VideosOf(int chunk) => Math.Min(VideosPerChunk, videos.Count - (chunk * VideosPerChunk));

    /// <summary>What the findings depend on besides the feature files themselves.</summary>
    string Identity()
    {
        var captions = new FileInfo(config.Data.CaptionPath);
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes(videos.Offsets));
        hash.Append(videos.AllPaths);
        hash.Append(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{config.Data.FeaturesPath}\n{config.Data.FeaturesPathAudio}\n{captions.FullName}\n{captions.Length}\n{captions.LastWriteTimeUtc.Ticks}\n{config.Model.FeatureDim}\n{config.Model.MelBands}\n{config.Data.FeatureFramerate}\n{VideosPerChunk}")));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}

/// <summary>How far a check is.</summary>
/// <param name="Checked">Videos, those of an interrupted check included.</param>
/// <param name="CheckedNow">Videos of this process.</param>
/// <param name="BytesNow">Bytes of the files of this process.</param>
/// <param name="Findings">So far.</param>
public readonly record struct CheckProgress(int Checked, int CheckedNow, int Videos, long BytesNow, long Findings);
