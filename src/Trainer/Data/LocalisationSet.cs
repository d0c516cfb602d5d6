using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>A video to localise steps in.</summary>
/// <param name="Task">What its recall is pooled with; empty in Mining YouTube.</param>
/// <param name="Steps">In order.</param>
public sealed record LocalisationVideo(string Id, string Task, IReadOnlyList<string> Steps);

/// <summary>Annotation and input of one video.</summary>
/// <param name="Truth">(T, K): the second belongs to the step.</param>
/// <param name="Features2d">(rows, width), as Features3d; as they are stored, at their own rates.</param>
/// <param name="Audio">(mel bands, frames) of the whole video.</param>
public sealed record LocalisationInput(int Seconds, bool[] Truth, HostArray Features2d, HostArray Features3d, HostArray Audio);

/// <summary>
/// A step-localisation set in a folder or .tar (docs/evaluation.md): a csv with `video_id` (and `task`: CrossTask; without it: Mining
/// YouTube), a json of ordered steps by task or by video, and for each video annotation, features and audio. Read video by video.
/// </summary>
public sealed class LocalisationSet : IDisposable
{
    readonly SetMembers members;
    readonly ILookup<string, string> byName;
    readonly NpzReader npz = new();

    LocalisationSet(SetMembers members, bool isCrossTask, IReadOnlyList<LocalisationVideo> videos, IReadOnlySet<string> cooking)
    {
        this.members = members;
        byName = members.Names.ToLookup(NameOf, StringComparer.Ordinal);
        IsCrossTask = isCrossTask;
        Videos = videos;
        Cooking = cooking;
    }

    public string Path => members.Path;

    public bool IsCrossTask { get; }

    public IReadOnlyList<LocalisationVideo> Videos { get; }

    /// <summary>Tasks of cook.txt; empty without it.</summary>
    public IReadOnlySet<string> Cooking { get; }

    /// <summary>Whether a folder or tar has a csv of videos.</summary>
    public static bool IsAt(string path) =>
        (Directory.Exists(path) || path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase)) && CsvOf(SetMembers.Open(path)) is not null;

    public static LocalisationSet Open(string path)
    {
        var members = SetMembers.Open(path);
        var (csv, header, records) = CsvOf(members) ?? throw new UserError(path, "no csv with a column video_id", "a step-localisation set", "See docs/evaluation.md");
        var (id, task) = (header.IndexOf("video_id"), header.IndexOf("task"));
        var steps = Steps(members);
        var videos = new List<LocalisationVideo>();
        foreach (var record in records)
        {
            var (video, group) = (record[id], task < 0 ? "" : record[task]);
            var key = task < 0 ? video : group;
            if (!steps.TryGetValue(key, out var list))
                throw new UserError(members.SubjectOf(csv), $"video {video} without steps for {(task < 0 ? "it" : $"task {group}")}", "an ordered list of steps in the json", "Add it, or take the video off the csv");
            videos.Add(new LocalisationVideo(video, group, list));
        }

        if (videos.Count == 0) throw new UserError(members.SubjectOf(csv), "a header and no video", "one video a line", "Fill the list");
        var cooking = members.Has("cook.txt") ? System.Text.Encoding.UTF8.GetString(members.Read("cook.txt")).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToHashSet() : [];
        return new LocalisationSet(members, task >= 0, videos, cooking);
    }

    public void CollectWords(ISet<string> words)
    {
        foreach (var step in Videos.SelectMany(video => video.Steps).Distinct())
            foreach (var token in Tokenizer.Enumerate(step)) words.Add(token.ToString());
    }

    /// <summary>Reads one video.</summary>
    public LocalisationInput Read(LocalisationVideo video, int featureDim, int melBands)
    {
        var name = IsCrossTask ? $"{video.Task}_{video.Id}.npy" : $"{video.Id}.npy";
        var annotation = Matrix(Member(video, "annot", name), null);
        var (seconds, steps) = ((int)annotation.Array.Shape[0], video.Steps.Count);
        if (annotation.Array.Shape[1] != steps || seconds == 0)
            throw new UserError(annotation.Subject, $"shape ({string.Join(", ", annotation.Array.Shape)})", $"(seconds, {steps} steps)", "Annotate again with the steps of the json");
        var truth = Array.ConvertAll(annotation.Array.ToSingles(), value => value > 0);

        var two = Matrix(Member(video, "2d", $"{video.Id}_2d.npy", $"{video.Id}_2d.npz"), "features");
        var three = Matrix(Member(video, "3d", $"{video.Id}_3d.npy", $"{video.Id}_3d.npz", $"{video.Id}.npz"), "features");
        if (two.Array.Shape[1] + three.Array.Shape[1] != featureDim)
            throw new UserError(three.Subject, $"widths {two.Array.Shape[1]} (2d) and {three.Array.Shape[1]} (3d)", $"feature_dim {featureDim} together", "Extract the features that the network was trained on");

        var audio = Matrix(Member(video, "audio", $"{video.Id}_spec.npz", $"{video.Id}.npz"), "arr_0");
        if (audio.Array.Shape[0] != melBands) throw new UserError(audio.Subject, $"{audio.Array.Shape[0]} rows", $"{melBands} mel bands", "Compute the spectrogram again");
        return new LocalisationInput(seconds, truth, two.Array, three.Array, audio.Array);
    }

    public void Dispose() => npz.Dispose();

    /// <summary>The member of that name; in doubt the one in a folder that says what it is.</summary>
    string Member(LocalisationVideo video, string hint, params string[] names)
    {
        // Audio and 3d features may both be VIDEO.npz: only their folders tell them apart.
        var found = names.SelectMany(name => byName[name]).Where(member => hint == "audio" || !FolderOf(member).Contains("audio", StringComparison.OrdinalIgnoreCase)).ToArray();
        return found.FirstOrDefault(member => FolderOf(member).Contains(hint, StringComparison.OrdinalIgnoreCase)) ?? found.FirstOrDefault()
            ?? throw new UserError(Path, $"no {string.Join(" or ", names)} for video {video.Id}", "annotation, 2d, 3d and audio of every video", "Add it, or take the video off the csv");
    }

    (string Subject, HostArray Array) Matrix(string member, string? key)
    {
        var subject = members.SubjectOf(member);
        var array = member.EndsWith(".npz", StringComparison.Ordinal) ? npz.Read(members.Read(member), subject, key!) : members.ReadArray(member);
        if (array.Shape.Length != 2 || array.Shape.Contains(0) && key is not "arr_0") throw new UserError(subject, $"shape ({string.Join(", ", array.Shape)})", "a filled matrix", "Make it again");
        return (subject, new HostArray(array.Type, array.Shape, array.Data.ToArray()));
    }

    static Dictionary<string, IReadOnlyList<string>> Steps(SetMembers members)
    {
        var names = members.Names.Where(name => name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)).ToArray();
        if (names.Length != 1) throw new UserError(members.Path, $"{names.Length} json files", "one: the ordered steps by task or video", "See docs/evaluation.md");
        try
        {
            using var document = JsonDocument.Parse(members.Read(names[0]));
            return document.RootElement.EnumerateObject().ToDictionary(member => member.Name,
                IReadOnlyList<string> (member) => member.Value.GetArrayLength() > 0 ? [.. member.Value.EnumerateArray().Select(step => step.GetString()!)] : throw new JsonException($"no steps for {member.Name}"));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new UserError(members.SubjectOf(names[0]), $"no lists of steps ({error.Message})", "{\"task\": [\"first step\", …], …}", "Write it again", inner: error);
        }
    }

    static (string Name, List<string> Header, List<string[]> Records)? CsvOf(SetMembers members)
    {
        foreach (var name in members.Names.Where(name => name.EndsWith(".csv", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(new MemoryStream(members.Read(name)));
            var fields = new CsvFields(reader);
            var header = new List<string>();
            if (!fields.ReadRecord(header) || !header.Contains("video_id")) continue;
            var (records, record) = (new List<string[]>(), new List<string>());
            while (fields.ReadRecord(record))
            {
                if (record.Count == 0) continue;
                if (record.Count < header.Count) throw new UserError(members.SubjectOf(name), $"row {records.Count + 1} of {record.Count} fields", $"{header.Count}", "Correct it");
                records.Add([.. record]);
            }

            return (name, header, records);
        }

        return null;
    }

    static string FolderOf(string member) => member[..^NameOf(member).Length];

    static string NameOf(string member) => member[(member.LastIndexOf('/') + 1)..];
}
