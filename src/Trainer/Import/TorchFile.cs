using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Reads what torch.save wrote (.pth) without torch: the zip format since 1.6 (NAME/data.pkl and one stored member NAME/data/KEY per
/// storage) and the stream before it. Values as in <see cref="PickleReader"/>; the file must be smaller than 2 GB.
/// </summary>
public static class TorchFile
{
    /// <summary>The saved object; a state_dict is a dictionary of name to <see cref="HostArray"/>.</summary>
    public static object? Read(string path, PickleLimits? limits = null)
    {
        using var window = new FileWindow(wholeFileBytes: 0);
        window.Open(path);
        if (window.Length > Array.MaxLength) throw Refusal.At(path, 0, $"a file of {window.Length} bytes", "less than 2 GB", "Convert it to safetensors");
        // A window opened for one file gives an array of exactly its bytes, which the tensors then keep.
        var whole = window.Bytes(0, window.Length);
        return Read(MemoryMarshal.TryGetArray(whole, out var part) && part.Offset == 0 && part.Array!.Length == part.Count ? part.Array : whole.ToArray(), path, limits);
    }

    /// <summary>The same from bytes in memory, which the tensors then share.</summary>
    public static object? Read(byte[] content, string subject, PickleLimits? limits = null)
    {
        limits ??= PickleLimits.Default;
        if (content.Length == 0) throw Refusal.At(subject, 0, "the file is empty", "a file of torch.save");
        var budget = PickleBudget.For(content.Length, limits);
        return content.AsSpan().StartsWith("PK"u8) ? ReadZip(content, subject, limits, budget) : TorchLegacyStream.Read(content, subject, limits, budget);
    }

    static object? ReadZip(byte[] content, string subject, PickleLimits limits, PickleBudget budget)
    {
        using var zip = new ZipReader();
        zip.File.Use(content, subject);
        var members = new Dictionary<string, ZipMember>(StringComparer.Ordinal);
        foreach (var (name, member) in zip.List()) members.TryAdd(name, member);
        var main = members.FirstOrDefault(m => m.Key.EndsWith("/data.pkl", StringComparison.Ordinal));
        if (main.Key is null) throw Refusal.At(subject, 0, "the archive has no data.pkl", "a file of torch.save", "Give a .pth file, not an .npz");
        var folder = main.Key[..^"data.pkl".Length];
        var pickle = $"{subject} : {Refusal.Show(main.Key)}";
        // Deflated, a megabyte could become a gigabyte of operations, each of which makes an object.
        if (main.Value.Method != 0) throw Refusal.At(pickle, main.Value.HeaderOffset, "a compressed data.pkl", "a stored one", "Save it again with torch.save");
        var storages = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);

        object Storage(object? id, long at)
        {
            var wanted = TorchStorageId.Parse(id, pickle, at);
            if (storages.TryGetValue(wanted.Key, out var known)) return known;
            var name = $"{folder}data/{wanted.Key}";
            var about = $"{subject} : {Refusal.Show(name)}";
            if (!members.TryGetValue(name, out var member)) throw Refusal.At(pickle, at, $"storage {Refusal.Show(name)} is not in the archive");
            // Stored members are slices of the file; a deflated one would lie in the reader's buffer. torch.save only stores.
            if (member.Method != 0) throw Refusal.At(about, member.HeaderOffset, "a compressed storage", "a stored one", "Save it again with torch.save");
            if (!budget.Take(member.Size)) throw Refusal.At(about, member.HeaderOffset, "the storages together are far larger than the file");
            var data = zip.Read(member, about);
            if (data.Length / HostArray.SizeOf(wanted.Element) != wanted.Count) throw Refusal.At(about, member.HeaderOffset, $"{data.Length} bytes", $"{wanted.Count} elements of {wanted.Element}");
            return storages[wanted.Key] = new TorchStorage(wanted.Element, data, isLoaded: true);
        }

        using var stream = new MemoryStream(zip.Read(main.Value, pickle).ToArray(), writable: false);
        using var input = new PickleInput(stream, pickle, limits);
        return new PickleMachine(input, limits, new PickleConstruction(pickle, limits, budget, mayNest: false), Storage).Run();
    }
}
