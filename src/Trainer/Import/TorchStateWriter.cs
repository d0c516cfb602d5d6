using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Writes named arrays as torch.save writes a state_dict since 1.6: a zip of stored members, archive/data.pkl and one archive/data/N for
/// each tensor. Only the operations of pickle protocol 2 that torch.load(weights_only=True) takes are used, so no reader has to trust
/// the file. The data begin at multiples of 64 bytes, as torch's own do, for readers that map them.
/// </summary>
public static class TorchStateWriter
{
    const int Alignment = 64;
    const string Folder = "archive";

    /// <summary>Writes the tensors in the given order; the stream must be seekable and stand at its beginning.</summary>
    /// <exception cref="UserError">Together 4 GB or more, which this writer's zip cannot say.</exception>
    public static void Write(Stream stream, string subject, IReadOnlyList<(string Name, HostArray Array)> tensors)
    {
        var bytes = tensors.Sum(tensor => (long)tensor.Array.Data.Length + 512);
        if (bytes > uint.MaxValue) throw new UserError(subject, $"{bytes:N0} bytes of tensors", "less than 4 GB in a .pth", "Export to .safetensors");
        if (tensors.Count >= ushort.MaxValue - 2) throw new UserError(subject, $"{tensors.Count} tensors", "fewer than 65533 in a .pth", "Export to .safetensors");
        var directory = new MemoryStream();
        var members = new List<(string Name, ReadOnlyMemory<byte> Data)> { ("data.pkl", Pickle(tensors)) };
        members.AddRange(tensors.Select((tensor, i) => ($"data/{i}", tensor.Array.Data)));
        members.Add(("version", "3\n"u8.ToArray()));
        foreach (var (name, data) in members) Member(stream, directory, $"{Folder}/{name}", data.Span);
        var start = stream.Position;
        stream.Write(directory.GetBuffer().AsSpan(0, (int)directory.Length));
        Span<byte> end = stackalloc byte[22];
        end.Clear();
        "PK\x05\x06"u8.CopyTo(end);
        BinaryPrimitives.WriteUInt16LittleEndian(end[8..], (ushort)members.Count);
        BinaryPrimitives.WriteUInt16LittleEndian(end[10..], (ushort)members.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(end[12..], (uint)directory.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(end[16..], (uint)start);
        stream.Write(end);
    }

    static void Member(Stream stream, MemoryStream directory, string name, ReadOnlySpan<byte> data)
    {
        var nameBytes = Encoding.ASCII.GetBytes(name);
        var at = stream.Position;
        // An extra field of a kind nobody reads ('FB', as torch has it) fills up to the alignment; its own head takes four bytes.
        var padding = (int)(Alignment - ((at + 30 + nameBytes.Length + 4) % Alignment)) % Alignment;
        // Version 2.0; bit 11: the name is UTF-8; stored; 1 January 1980, so that equal weights are equal files.
        Span<byte> common = stackalloc byte[24];
        common.Clear();
        common[0] = 20;
        common[3] = 8;
        BinaryPrimitives.WriteUInt16LittleEndian(common[8..], 33);
        BinaryPrimitives.WriteUInt32LittleEndian(common[10..], Crc32.HashToUInt32(data));
        BinaryPrimitives.WriteUInt32LittleEndian(common[14..], (uint)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(common[18..], (uint)data.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(common[22..], (ushort)nameBytes.Length);

        stream.Write("PK\x03\x04"u8);
        stream.Write(common);
        Span<byte> extra = stackalloc byte[4 + Alignment];
        extra.Fill((byte)'Z');
        BinaryPrimitives.WriteUInt16LittleEndian(extra, (ushort)(4 + padding));
        stream.Write(extra[..2]);
        stream.Write(nameBytes);
        "FB"u8.CopyTo(extra);
        BinaryPrimitives.WriteUInt16LittleEndian(extra[2..], (ushort)padding);
        stream.Write(extra[..(4 + padding)]);
        stream.Write(data);

        directory.Write("PK\x01\x02"u8);
        directory.Write([20, 0]);
        directory.Write(common);
        Span<byte> rest = stackalloc byte[16];
        rest.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(rest[12..], (uint)at);
        directory.Write(rest);
        directory.Write(nameBytes);
    }

    static byte[] Pickle(IReadOnlyList<(string Name, HostArray Array)> tensors)
    {
        var stream = new MemoryStream();
        var output = new StateOutput(stream);
        output.Raw(0x80, 2);
        output.OrderedDict();
        output.Raw((byte)'(');
        for (var i = 0; i < tensors.Count; i++)
        {
            output.Text(tensors[i].Name);
            output.Tensor(tensors[i].Array, i);
        }

        output.Raw((byte)'u', (byte)'.');
        return stream.ToArray();
    }

    /// <summary>Operations of protocol 2, without a memo: the file holds a few hundred names, nothing is worth remembering.</summary>
    sealed class StateOutput(Stream stream)
    {
        public void Raw(params ReadOnlySpan<byte> bytes) => stream.Write(bytes);

        public void OrderedDict()
        {
            Global("collections", "OrderedDict");
            Raw((byte)')', (byte)'R');
        }

        public void Text(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            Int32((byte)'X', bytes.Length);
            Raw(bytes);
        }

        /// <summary>_rebuild_tensor_v2(('storage', class, key, 'cpu', count), offset, shape, strides, requires_grad, hooks).</summary>
        public void Tensor(HostArray array, int key)
        {
            Global("torch._utils", "_rebuild_tensor_v2");
            Raw((byte)'(', (byte)'(');
            Text("storage");
            Global("torch", TorchStorage.Classes.First(c => c.Element == array.Type).Name);
            Text(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{key}"));
            Text("cpu");
            Int32((byte)'J', checked((int)array.Count));
            Raw((byte)'t', (byte)'Q');
            Int32((byte)'J', 0);
            Sizes(array.Shape);
            Sizes(Strides(array.Shape));
            Raw(0x89);
            OrderedDict();
            Raw((byte)'t', (byte)'R');
        }

        void Global(string module, string name) => Raw(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

        void Sizes(long[] sizes)
        {
            Raw((byte)'(');
            foreach (var size in sizes) Int32((byte)'J', checked((int)size));
            Raw((byte)'t');
        }

        void Int32(byte op, int value)
        {
            Span<byte> bytes = stackalloc byte[5];
            bytes[0] = op;
            BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], value);
            Raw(bytes);
        }

        static long[] Strides(long[] shape)
        {
            var strides = new long[shape.Length];
            for (var (i, step) = (shape.Length - 1, 1L); i >= 0; step *= Math.Max(shape[i], 1), i--) strides[i] = step;
            return strides;
        }
    }
}
