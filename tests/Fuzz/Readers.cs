using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Fuzz;

/// <summary>
/// The readers of foreign files, each as a function of bytes. Every value that is returned is looked at to its last element, so that
/// an array with less memory than its shape is found here and not in training. The two "inside" repair the checksums of the archive
/// first (<see cref="ZipRepair"/>).
/// </summary>
static class Readers
{
    /// <summary>Name in messages, as a path would be.</summary>
    public const string Subject = "input";

    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>(StringComparer.Ordinal)
    {
        ["npy"] = bytes => Look(Npy.Read(bytes, Subject)),
        ["npz"] = bytes => Look(Npz.ReadAll(bytes, Subject)),
        ["npz-inside"] = bytes => Look(Npz.ReadAll(ZipRepair.Of(bytes), Subject)),
        ["pickle"] = bytes => Look(PickleReader.Read(bytes, Subject)),
        ["captions"] = bytes => PickleReader.ReadTopLevelDictionary(new MemoryStream(bytes, writable: false), Subject, (_, value) => Look(value)),
        ["pth"] = bytes => Look(TorchFile.Read(bytes, Subject)),
        ["pth-inside"] = bytes => Look(TorchFile.Read(ZipRepair.Of(bytes), Subject)),
        ["word2vec"] = bytes => Word2Vec.Read(new MemoryStream(bytes, writable: false), Subject, wanted: null),
        ["safetensors"] = Safetensors,
    };

    static void Safetensors(byte[] bytes)
    {
        using var file = SafetensorsFile.Open(bytes, Subject);
        foreach (var name in file.Names) Look(file.Read(name));
    }

    /// <summary>Walks a value. Shared parts are walked once: a pickle of a hundred bytes can name one list 2^30 times.</summary>
    static void Look(object? root)
    {
        var waiting = new Stack<object?>([root]);
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        while (waiting.TryPop(out var value))
        {
            if (value is null or string or ValueType || !seen.Add(value)) continue;
            switch (value)
            {
                case HostArray array: Last(array); break;
                case System.Collections.IDictionary dictionary:
                    foreach (var inner in dictionary.Values) waiting.Push(inner);
                    break;
                case PackedList packed:
                    foreach (var inner in packed) waiting.Push(inner);
                    break;
                case System.Collections.IList list:
                    if (list is byte[]) break;
                    foreach (var inner in list) waiting.Push(inner);
                    break;
            }
        }
    }

    static void Last(HostArray array)
    {
        if (array.Count * HostArray.SizeOf(array.Type) != array.Data.Length)
        {
            throw new InvalidOperationException($"{array.Data.Length} bytes for shape ({string.Join(", ", array.Shape)}) of {array.Type}");
        }

        Span<float> one = stackalloc float[1];
        if (array.Count > 0) array.CopyTo((int)array.Count - 1, one);
    }
}
