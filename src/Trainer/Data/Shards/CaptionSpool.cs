using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>Captions of one video: times in seconds, and the json of its record.</summary>
sealed record SpooledCaptions(double[] Starts, double[] Ends, byte[] Json);

/// <summary>
/// The captions of the chosen videos in a temporary file, because the pickle has them in one order and the shards want them in another, and
/// memory for all texts is what filled the original's machines. Read by any thread. The file goes when it is disposed.
/// </summary>
sealed class CaptionSpool : IDisposable
{
    readonly Dictionary<string, (long Offset, int Length, int Captions)> places = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> faults = new(StringComparer.Ordinal);
    readonly XxHash128 hash = new();
    readonly FileStream file;
    readonly string source;

    CaptionSpool(string source, string path)
    {
        this.source = source;
        file = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20, FileOptions.DeleteOnClose);
    }

    /// <summary>Identity of the captions.</summary>
    public UInt128 Hash => hash.GetCurrentHashAsUInt128();

    /// <param name="source">data.caption_path.</param>
    /// <param name="path">The temporary file.</param>
    /// <param name="ids">Videos that are wanted.</param>
    /// <param name="most">First captions of each that are kept; null: all.</param>
    public static CaptionSpool Read(string source, string path, HashSet<string> ids, int? most, CancellationToken stop)
    {
        var spool = new CaptionSpool(source, path);
        try
        {
            PickleReader.ReadTopLevelDictionary(source, (id, value) =>
            {
                stop.ThrowIfCancellationRequested();
                if (ids.Contains(id)) spool.Take(id, value, most);
            });
            spool.file.Flush();
            return spool;
        }
        catch
        {
            spool.Dispose();
            throw;
        }
    }

    /// <exception cref="UserError">There are none, or they cannot be used.</exception>
    public SpooledCaptions Read(string id)
    {
        if (faults.TryGetValue(id, out var fault)) throw new UserError(source, $"{id}: {fault}", "start, end and text of one length, end not before start", "");
        if (!places.TryGetValue(id, out var place)) throw new UserError(source, $"{id} has no caption", "at least one", "");
        var bytes = new byte[place.Length];
        for (var done = 0; done < bytes.Length;)
        {
            var got = RandomAccess.Read(file.SafeFileHandle, bytes.AsSpan(done), place.Offset + done);
            if (got == 0) throw new IOException($"{file.Name} ended early");
            done += got;
        }

        var times = place.Captions * sizeof(double);
        return new SpooledCaptions(MemoryMarshal.Cast<byte, double>(bytes.AsSpan(0, times)).ToArray(),
            MemoryMarshal.Cast<byte, double>(bytes.AsSpan(times, times)).ToArray(), bytes[(2 * times)..]);
    }

    /// <summary>Writes the captions of some videos as the original's pickle.</summary>
    public static void WritePickle(string source, Stream stream, HashSet<string> ids, int? most) =>
        PickleWriter.WriteDictionary(stream, write => PickleReader.ReadTopLevelDictionary(source, (id, value) =>
        {
            if (!ids.Contains(id) || value is not Dictionary<object, object?> entry) return;
            var kept = new Dictionary<object, object?>();
            foreach (var key in (string[])["start", "end", "text"])
            {
                var sequence = entry.GetValueOrDefault(key);
                kept[key] = Enumerable.Range(0, Kept(sequence, most)).Select(i => PythonValue.At(sequence, i)).ToList();
            }

            write(id, kept);
        }));

    public void Dispose() => file.Dispose();

    static int Kept(object? sequence, int? most) => Math.Min(PythonValue.Length(sequence), most ?? int.MaxValue);

    void Take(string id, object? value, int? most)
    {
        if (value is not Dictionary<object, object?> entry || Times(entry, most) is not var (starts, ends))
        {
            faults[id] = "its captions are malformed";
            return;
        }

        faults.Remove(id);
        var json = Json(id, starts, ends, entry.GetValueOrDefault("text"));
        places[id] = (file.Position, json.Length + (starts.Length * 2 * sizeof(double)), starts.Length); // of two entries of an id the last counts, as in a dict
        file.Write(MemoryMarshal.AsBytes(starts.AsSpan()));
        file.Write(MemoryMarshal.AsBytes(ends.AsSpan()));
        file.Write(json);
        hash.Append(json);
    }

    static (double[] Starts, double[] Ends)? Times(Dictionary<object, object?> entry, int? most)
    {
        var (start, end, text) = (entry.GetValueOrDefault("start"), entry.GetValueOrDefault("end"), entry.GetValueOrDefault("text"));
        var count = PythonValue.Length(start);
        if (count < 1 || PythonValue.Length(end) != count || PythonValue.Length(text) != count) return null;
        var kept = Kept(start, most);
        var starts = Enumerable.Range(0, kept).Select(i => PythonValue.Number(PythonValue.At(start, i))).ToArray();
        var ends = Enumerable.Range(0, kept).Select(i => PythonValue.Number(PythonValue.At(end, i))).ToArray();
        for (var i = 0; i < kept; i++)
            if (!double.IsFinite(starts[i]) || !double.IsFinite(ends[i]) || ends[i] < starts[i] || PythonValue.Text(PythonValue.At(text, i)) is null) return null;
        return (starts, ends);
    }

    static byte[] Json(string id, double[] starts, double[] ends, object? text)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            Numbers("start", starts);
            Numbers("end", ends);
            json.WriteStartArray("text");
            for (var i = 0; i < starts.Length; i++)
            {
                // A text that is None or NaN is null here; caption.pickle of the pack keeps which.
                if (PythonValue.At(text, i) is null or double.NaN) json.WriteNullValue();
                else json.WriteStringValue(PythonValue.Text(PythonValue.At(text, i)));
            }

            json.WriteEndArray();
            json.WriteEndObject();

            void Numbers(string name, double[] values)
            {
                json.WriteStartArray(name);
                foreach (var value in values) json.WriteNumberValue(value);
                json.WriteEndArray();
            }
        }

        return memory.ToArray();
    }
}
