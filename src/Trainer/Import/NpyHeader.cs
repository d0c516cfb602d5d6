using System.Buffers.Binary;
using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// The header of an .npy file (NumPy Enhancement Proposal 1, versions 1.0, 2.0 and 3.0): element type, element order, shape,
/// and where the data begin.
/// </summary>
public sealed record NpyHeader(ArrayType Type, bool FortranOrder, long[] Shape, int DataOffset)
{
    static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    const string Resave = "Save the array again with numpy.save as float16/32/64, int8/16/32/64, uint8 or bool, little-endian";

    /// <summary>Bytes of the data, from the shape.</summary>
    public long ByteCount => ArrayLayout.TryByteCount(Type, Shape, out var bytes) ? bytes : 0;

    /// <summary>Reads the header at the start of <paramref name="file"/>; everything wrong is a UserError about <paramref name="subject"/>.</summary>
    public static NpyHeader Parse(ReadOnlySpan<byte> file, string subject)
    {
        if (file.Length < 10) throw Refusal.At(subject, file.Length, "the file ends inside the .npy header");
        if (!file.StartsWith(Magic)) throw Refusal.At(subject, 0, "this is not an .npy file", "the bytes 93 'NUMPY'");
        var major = file[6];
        if (major is < 1 or > 3) throw Refusal.At(subject, 6, $".npy version {major}", "1, 2 or 3");
        var start = major == 1 ? 10 : 12;
        if (file.Length < start) throw Refusal.At(subject, file.Length, "the file ends inside the .npy header");
        var length = major == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(file[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        if (length > file.Length - start) throw Refusal.At(subject, 8, $"a header of {length} bytes is announced", $"at most the remaining {file.Length - start}");
        return ParseDictionary(file.Slice(start, (int)length), start, subject);
    }

    static NpyHeader ParseDictionary(ReadOnlySpan<byte> text, int start, string subject)
    {
        ArrayType? type = null;
        bool? fortran = null;
        long[]? shape = null;
        var reader = new NpyHeaderText(text, start, subject);
        reader.Expect('{');
        while (!reader.Take('}'))
        {
            var key = reader.Text();
            reader.Expect(':');
            switch (key)
            {
                case "descr": type = TypeOf(ref reader, subject); break;
                case "fortran_order": fortran = reader.Boolean(); break;
                case "shape": shape = reader.Tuple(ArrayLayout.MaxDimensions); break;
                default: throw Refusal.At(subject, reader.Offset, $"header key '{Refusal.Show(key)}'", "descr, fortran_order, shape");
            }

            if (reader.Take(',')) continue;
            reader.Expect('}');
            break;
        }

        if (type is null || fortran is null || shape is null)
        {
            throw Refusal.At(subject, start, "the .npy header lacks a key", "descr, fortran_order and shape");
        }

        if (!ArrayLayout.TryByteCount(type.Value, shape, out _))
        {
            throw Refusal.At(subject, start, $"shape ({string.Join(", ", shape)}) is too large for any file");
        }

        return new NpyHeader(type.Value, fortran.Value, shape, start + text.Length);
    }

    static ArrayType TypeOf(ref NpyHeaderText reader, string subject)
    {
        var at = reader.Offset;
        if (reader.IsAt('[')) throw Refusal.At(subject, at, "a structured array (records)", "a plain array", Resave);
        var descr = reader.Text();
        var order = descr.Length > 0 ? descr[0] : ' ';
        if (order == '>') throw Refusal.At(subject, at, $"type '{Refusal.Show(descr)}' is big-endian", "little-endian", Resave);
        if (descr.Contains('O', StringComparison.Ordinal))
        {
            throw Refusal.At(subject, at, $"type '{Refusal.Show(descr)}' is an array of Python objects", "an array of numbers", Resave);
        }

        var type = order is '<' or '|' ? ArrayLayout.FromNumpy(descr[1..]) : null;
        if (type is null) throw Refusal.At(subject, at, $"type '{Refusal.Show(descr)}' is not read", "", Resave);
        if (order == '|' && HostArray.SizeOf(type.Value) > 1) throw Refusal.At(subject, at, $"type '{descr}' has no byte order", "'<'", Resave);
        return type.Value;
    }

    /// <summary>The header of an array as NumPy writes it: version 1.0, padded so that the data begin at a multiple of 64.</summary>
    public static byte[] Format(ArrayType type, ReadOnlySpan<long> shape, string subject, bool fortranOrder = false)
    {
        var code = ArrayLayout.ToNumpy(type)
            ?? throw new Shared.UserError(subject, $"NumPy has no {type}", "another type", "Convert the array to single precision first");
        var text = new StringBuilder("{'descr': '").Append(HostArray.SizeOf(type) == 1 ? '|' : '<').Append(code)
            .Append("', 'fortran_order': ").Append(fortranOrder ? "True" : "False").Append(", 'shape': (");
        foreach (var size in shape) text.Append(size).Append(shape.Length == 1 ? "," : ", ");
        if (shape.Length > 1) text.Length -= 2;
        text.Append("), }");
        text.Append(' ', 63 - ((10 + text.Length) % 64)).Append('\n');

        var header = new byte[10 + text.Length];
        Magic.CopyTo(header);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)text.Length);
        Encoding.ASCII.GetBytes(text.ToString(), header.AsSpan(10));
        return header;
    }
}
