using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// The stream that torch.save wrote before version 1.6, and that a tensor inside a plain pickle still embeds
/// (torch/serialization.py, _legacy_load): magic number, protocol, system information, the object with persistent ids in place of
/// storages, the list of storage keys, then per key the number of elements (8 bytes) and the raw elements.
/// </summary>
internal static class TorchLegacyStream
{
    public const int Protocol = 1001;

    public static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>The object of the stream. Tensors refer to <paramref name="bytes"/>; nothing of the storages is copied.</summary>
    public static object? Read(byte[] bytes, string subject, PickleLimits limits, PickleBudget budget)
    {
        using var memory = new MemoryStream(bytes, writable: false);
        using var input = new PickleInput(memory, subject, limits);
        object? Next(Func<object?, long, object>? storages = null) =>
            new PickleMachine(input, limits, new PickleConstruction(subject, limits, budget, mayNest: false), storages).Run();

        if (Next() is not BigInteger magic || magic != Magic) throw Refusal.At(subject, 0, "this is not a torch.save stream", "its magic number");
        if (Next() is not (long)Protocol) throw Refusal.At(subject, 0, "an unknown version of the torch.save stream", $"{Protocol}");
        if (Next() is not Dictionary<object, object?> system || system.GetValueOrDefault("little_endian") is not true)
        {
            throw Refusal.At(subject, 0, "the stream does not say that it is little-endian", "little_endian = True");
        }

        // The storages come after the object that names them, so the object is read twice: once to get past it, once with the data.
        var announced = new Dictionary<string, TorchStorageId>(StringComparer.Ordinal);
        var start = input.Position;
        Next((id, at) =>
        {
            var storage = TorchStorageId.Parse(id, subject, at);
            announced[storage.Key] = storage;
            return new TorchStorage(storage.Element, default, isLoaded: false);
        });
        // The pickle part may be asked for again and again through the memo of an outer pickle.
        if (!budget.Take(2 * input.Position)) throw Refusal.At(subject, start, "streams are embedded again and again");
        var keys = Next() as List<object?> ?? throw Refusal.At(subject, input.Position, "the list of storages is missing");
        var storages = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            if (key is not string name || !announced.TryGetValue(name, out var id)) throw Refusal.At(subject, input.Position, "the list of storages names one that the object does not");
            storages[name] = Load(input, bytes, id, subject);
        }

        input.Seek(start);
        return Next((id, at) =>
        {
            var key = TorchStorageId.Parse(id, subject, at).Key;
            return storages.GetValueOrDefault(key) ?? throw Refusal.At(subject, at, $"storage {Refusal.Show(key)} is not in the stream");
        });
    }

    static TorchStorage Load(PickleInput input, byte[] bytes, TorchStorageId id, string subject)
    {
        var at = input.Position;
        var count = BinaryPrimitives.ReadInt64LittleEndian(input.Few(8));
        var size = HostArray.SizeOf(id.Element);
        if (count != id.Count || count > input.Left / size)
        {
            throw Refusal.At(subject, at, $"a storage of {count} elements of {size} bytes", $"{id.Count} as the object says, at most {input.Left / size}");
        }

        var data = bytes.AsMemory((int)input.Position, (int)count * size);
        input.Seek(input.Position + data.Length);
        return new TorchStorage(id.Element, data, isLoaded: true);
    }
}

/// <summary>The persistent id of a storage: ('storage', class, key, device, number of elements[, view]).</summary>
internal readonly record struct TorchStorageId(string Key, ArrayType Element, long Count)
{
    public static TorchStorageId Parse(object? id, string subject, long at) => id switch
    {
        object?[] and ["storage", PickleGlobal { Kind: PickleGlobal.Meaning.Storage } type, string key, string, long and >= 0 and var count] => new(key, type.Element, count),
        object?[] and ["storage", PickleGlobal { Kind: PickleGlobal.Meaning.Storage } type, string key, string, long and >= 0 and var count, null] => new(key, type.Element, count),
        _ => throw Refusal.At(subject, at, "a storage is described in an unknown way", "('storage', class, key, device, count)"),
    };
}
