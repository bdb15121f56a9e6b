using System.Text.Json;
using System.Text.RegularExpressions;
using Btrfs.Fidelity;

namespace Btrfs.Tests.Interop.Abi;

/// <summary>Reads a header with clang.</summary>
internal static partial class NativeHeader
{
    private const string Prefix = "btrn_";

    /// <summary>The header of this repository.</summary>
    internal static string Path { get; } = System.IO.Path.Combine(Repository.Root, "native", "include", "btrfs_native.h");

    internal static AbiModel Read(string path)
    {
        using JsonDocument tree = JsonDocument.Parse(
            Tool.Run("clang", "-std=c11", "-fsyntax-only", "-Xclang", "-ast-dump=json", "-x", "c", path),
            new JsonDocumentOptions { MaxDepth = 512 });
        Dictionary<string, string> functions = [];
        Dictionary<string, string> enums = [];
        Dictionary<string, string> structs = [];
        foreach (JsonElement node in Children(tree.RootElement))
        {
            string name = Name(node);
            if (!name.StartsWith(Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            switch (Kind(node))
            {
                case "FunctionDecl":
                    functions.Add(name, Prototype(node));
                    break;
                case "EnumDecl":
                    enums.Add(name, string.Join(", ", Children(node).Select(static member => $"{Name(member)} = {Value(member)}")));
                    break;
                case "RecordDecl":
                    // An opaque handle has no layout; a complete struct gets its own below.
                    structs.TryAdd(name, "opaque");
                    break;
            }
        }

        string layouts = Tool.Run("clang", "-std=c11", "-fsyntax-only", "-Xclang", "-fdump-record-layouts-complete", "-x", "c", path);
        foreach (string layout in layouts.Split("*** Dumping AST Record Layout").Where(static text => text.Contains($"struct {Prefix}", StringComparison.Ordinal)))
        {
            structs[StructName().Match(layout).Groups[1].Value] = Layout(layout);
        }

        return new AbiModel(functions, enums, structs);
    }

    private static string Prototype(JsonElement function)
    {
        string type = Type(function);
        IEnumerable<string> parameters = Children(function)
            .Where(static child => Kind(child) == "ParmVarDecl")
            .Select(static parameter => $"{Type(parameter)} {Name(parameter)}");
        return $"{type[..type.IndexOf('(', StringComparison.Ordinal)].Trim()} ({string.Join(", ", parameters)})";
    }

    private static string Layout(string text)
    {
        IEnumerable<string> fields = FieldLine().Matches(text).Select(static match => $"{match.Groups[1].Value}: {match.Groups[2].Value} {match.Groups[3].Value}");
        return $"{string.Join(", ", fields)}, sizeof {SizeLine().Match(text).Groups[1].Value}";
    }

    // Present because this header writes every member's value out.
    private static string Value(JsonElement member) => Children(member).First().GetProperty("value").GetString()!;

    private static string Type(JsonElement node) => node.GetProperty("type").GetProperty("qualType").GetString()!.Replace("const ", "", StringComparison.Ordinal);

    private static string Kind(JsonElement node) => node.GetProperty("kind").GetString()!;

    private static string Name(JsonElement node) => node.TryGetProperty("name", out JsonElement name) ? name.GetString()! : "";

    private static JsonElement.ArrayEnumerator Children(JsonElement node) => node.TryGetProperty("inner", out JsonElement inner) ? inner.EnumerateArray() : default;

    [GeneratedRegex(@"0 \| struct (\w+)")]
    private static partial Regex StructName();

    // Fields are indented by three where the struct itself is by one.
    [GeneratedRegex(@"^ *(\d+) \|   (.+?) (\w+)$", RegexOptions.Multiline)]
    private static partial Regex FieldLine();

    [GeneratedRegex(@"\[sizeof=(\d+)")]
    private static partial Regex SizeLine();
}
