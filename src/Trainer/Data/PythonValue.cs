using System.Globalization;
using System.Numerics;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// The unpickled values that captions are made of: sequences may be lists, tuples or arrays, and str() of a value is what the
/// original tokenises.
/// </summary>
static class PythonValue
{
    /// <summary>Length of a list, tuple or one-dimensional array; -1 for anything else.</summary>
    public static int Length(object? sequence) => sequence switch
    {
        PackedList list => list.Count,
        List<object?> list => list.Count,
        object?[] tuple => tuple.Length,
        HostArray { Shape.Length: 1 } array => checked((int)array.Count),
        _ => -1,
    };

    /// <summary>Element of a sequence: a value as the pickle has it, or a double or long out of an array.</summary>
    public static object? At(object? sequence, int index) => sequence switch
    {
        PackedList list => list[index],
        List<object?> list => list[index],
        object?[] tuple => tuple[index],
        HostArray array => array.Type switch
        {
            ArrayType.Float64 => array.As<double>()[index],
            ArrayType.Float32 => (double)array.As<float>()[index],
            ArrayType.Float16 => (double)array.As<Half>()[index],
            ArrayType.Int64 => array.As<long>()[index],
            ArrayType.Int32 => (long)array.As<int>()[index],
            ArrayType.Int16 => (long)array.As<short>()[index],
            _ => null,
        },
        _ => null,
    };

    /// <summary><see cref="Number"/> of an element.</summary>
    public static double NumberAt(object? sequence, int index) =>
        sequence is PackedList { Numbers: { IsEmpty: false } numbers } ? numbers[index] : Number(At(sequence, index));

    /// <summary>A number of seconds; NaN when the value is no number.</summary>
    public static double Number(object? value) => value switch
    {
        double number => number,
        long number => number,
        HostArray { Count: 1, Shape.Length: 0 } scalar => Number(At(new HostArray(scalar.Type, [1], scalar.Data), 0)),
        _ => double.NaN,
    };

    /// <summary>str(value) for the kinds of values that captions hold; null for any other.</summary>
    public static string? Text(object? value) => value switch
    {
        string text => text,
        null => "None",
        double.NaN => "nan",
        double number => Real(number),
        long number => number.ToString(CultureInfo.InvariantCulture),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        bool truth => truth ? "True" : "False",
        _ => null,
    };

    /// <summary>A value in a message: its Python type.</summary>
    public static string KindOf(object? value) => value switch
    {
        null => "None",
        string => "str",
        long => "int",
        double => "float",
        bool => "bool",
        List<object?> or PackedList => "list",
        object?[] => "tuple",
        Dictionary<object, object?> => "dict",
        HostArray array => $"array of {array.Type} ({string.Join(", ", array.Shape)})",
        _ => value.GetType().Name,
    };

    static string Real(double number)
    {
        var text = number.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
        return text.All(c => char.IsAsciiDigit(c) || c == '-') ? text + ".0" : text;
    }
}
