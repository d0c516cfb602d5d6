using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>What was wrong with a command line, one line a mistake: the option or argument, what was found, what was expected. The library's own words name .NET types.</summary>
static class UsageMistakes
{
    public static IReadOnlyList<string> Of(ParseResult parsed) => [.. parsed.Errors.Select(Text).Distinct()];

    /// <summary>A range for a number; text that is no number is refused anyway.</summary>
    public static Action<OptionResult> Only(Func<double, bool> isGood, string expected) => option =>
    {
        if (option.Tokens is [var token] && double.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && !isGood(value))
            option.AddError($"{option.Option.Name}: found {token.Value}; expected {expected}");
    };

    /// <summary>For numbers that may have a fraction: the library takes a comma for a separator of thousands, and 0,5 for 5.</summary>
    public static void PointOnly(SymbolResult result)
    {
        if (result.Tokens is not [var token] || !token.Value.Contains(',', StringComparison.Ordinal)) return;
        var name = result is OptionResult option ? option.Option.Name : ((ArgumentResult)result).Argument.Name;
        result.AddError($"{name}: found {token.Value}; expected a number with a decimal point");
    }

    static string Text(ParseError error)
    {
        var (name, symbol) = error.SymbolResult switch
        {
            // A value is an argument of its option.
            ArgumentResult { Parent: OptionResult option } => (option.Option.Name, (Symbol)option.Option),
            ArgumentResult argument => (argument.Argument.Name, argument.Argument),
            OptionResult option => (option.Option.Name, option.Option),
            _ => ("", null!),
        };
        if (name.Length == 0 || error.Message.StartsWith(name + ':', StringComparison.Ordinal)) return error.Message;
        var found = error.SymbolResult!.Tokens switch
        {
            [] => "nothing",
            [var only] => $"'{only.Value}'",
            var many => string.Join(' ', many.Select(token => $"'{token.Value}'")),
        };
        return $"{name}: found {found}; expected {Expected(symbol)} ({symbol.Description})";
    }

    static string Expected(Symbol symbol)
    {
        var type = symbol is Option option ? option.ValueType : ((Argument)symbol).ValueType;
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(int) || type == typeof(long) ? "a whole number"
            : type == typeof(double) ? "a number"
            : type == typeof(bool) ? "true or false, or nothing behind it"
            : "a value";
    }
}
