using System.Text.Json;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Retrieval items out of npy members and json with the fields of the original's pickles (docs/evaluation.md). Either one json lists the
/// clips, or each clip has a json of its own. The arrays of a clip are members named CLIP.FIELD.npy, CLIP_FIELD.npy or FIELD/CLIP.npy,
/// or the json names them.
/// </summary>
sealed class MemberItems
{
    static readonly string[] ArrayFields = ["2d", "3d", "2d_pooled", "3d_pooled", "audio"];

    readonly SetMembers members;
    readonly List<(string Stem, string Subject, Dictionary<string, JsonElement> Fields)> clips = [];

    public MemberItems(SetMembers members)
    {
        this.members = members;
        var texts = members.Names.Where(name => name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal).ToArray();
        foreach (var name in texts) Take(name, isAlone: texts.Length == 1);
        if (clips.Count == 0)
        {
            throw new UserError(members.Path, texts.Length == 0 ? "no json" : "no clips in its json",
                "npy members and json with id and caption, or a csv with video_id for step localisation", "See docs/evaluation.md for the layout");
        }
    }

    public int Count => clips.Count;

    /// <summary>A clip as the pickles have it; its arrays are read now.</summary>
    public Dictionary<object, object?> At(int index)
    {
        var (stem, subject, fields) = clips[index];
        var item = new Dictionary<object, object?>();
        foreach (var (field, value) in fields)
            if (!ArrayFields.Contains(field)) item[field] = ValueOf(value);
        item.TryAdd("id", stem);
        foreach (var field in ArrayFields)
            if (MemberOf(stem, subject, field, fields) is { } name) item[field] = members.ReadArray(name);
        return item;
    }

    void Take(string name, bool isAlone)
    {
        var subject = members.SubjectOf(name);
        try
        {
            using var document = JsonDocument.Parse(members.Read(name));
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && isAlone && root.TryGetProperty("clips", out var list)) root = list;
            if (root.ValueKind == JsonValueKind.Array)
            {
                var number = 0;
                foreach (var clip in root.EnumerateArray()) Take(clip, null, $"{subject}, item {number++}");
            }
            else
            {
                Take(root, name[..^".json".Length], subject);
            }
        }
        catch (JsonException error)
        {
            throw new UserError(subject, $"a JSON error ({error.Message})", "the fields of the clips", "Write it again", inner: error);
        }
    }

    void Take(JsonElement clip, string? stem, string subject)
    {
        if (clip.ValueKind != JsonValueKind.Object) throw new UserError(subject, $"a JSON {clip.ValueKind}", "an object with id and caption", "See docs/evaluation.md");
        var fields = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in clip.EnumerateObject()) fields[member.Name] = member.Value.Clone();
        stem ??= fields.TryGetValue("id", out var id) && id.ValueKind is JsonValueKind.String or JsonValueKind.Number ? id.ToString()
            : throw new UserError(subject, "no `id`", "the name of the clip, after which its members are named", "Add it");
        clips.Add((stem, subject, fields));
    }

    string? MemberOf(string stem, string subject, string field, Dictionary<string, JsonElement> fields)
    {
        if (fields.TryGetValue(field, out var named) && named.ValueKind == JsonValueKind.String)
        {
            var name = named.GetString()!;
            return members.Has(name) ? name : throw new UserError(subject, $"`{field}` names {name}, which is not there", "a member of the set", "Add it");
        }

        return new[] { $"{stem}.{field}.npy", $"{stem}_{field}.npy", $"{field}/{stem}.npy" }.FirstOrDefault(members.Has);
    }

    static object? ValueOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number when value.TryGetInt64(out var whole) => whole,
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => value.EnumerateArray().Select(ValueOf).ToList(),
        _ => null,
    };
}
