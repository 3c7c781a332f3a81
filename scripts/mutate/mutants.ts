// Finds the small faults that a test should notice: another operator, another constant, a condition that always holds or never
// does, a statement or a step of a chain that is gone, a fallback that is always taken. Works on the syntax tree, so that every
// mutant still parses.
import ts from 'typescript';

export interface Mutant {
  readonly file: string;
  readonly line: number;
  /** Offsets of the text that is replaced, and what comes instead. */
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  readonly original: string;
}

const operators: ReadonlyMap<ts.SyntaxKind, readonly string[]> = new Map([
  [ts.SyntaxKind.PlusToken, ['-']],
  [ts.SyntaxKind.MinusToken, ['+']],
  [ts.SyntaxKind.AsteriskToken, ['+']],
  [ts.SyntaxKind.SlashToken, ['*']],
  [ts.SyntaxKind.PercentToken, ['+']],
  [ts.SyntaxKind.LessThanToken, ['<=', '>=']],
  [ts.SyntaxKind.LessThanEqualsToken, ['<', '>']],
  [ts.SyntaxKind.GreaterThanToken, ['>=', '<=']],
  [ts.SyntaxKind.GreaterThanEqualsToken, ['>', '<']],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, ['!==']],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, ['===']],
  [ts.SyntaxKind.AmpersandAmpersandToken, ['||']],
  [ts.SyntaxKind.BarBarToken, ['&&']],
  [ts.SyntaxKind.AmpersandToken, ['|']],
  [ts.SyntaxKind.BarToken, ['&']],
  [ts.SyntaxKind.CaretToken, ['&']],
  [ts.SyntaxKind.LessThanLessThanToken, ['>>']],
  [ts.SyntaxKind.GreaterThanGreaterThanToken, ['<<']],
  [ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken, ['<<']],
  [ts.SyntaxKind.PlusEqualsToken, ['-=']],
  [ts.SyntaxKind.MinusEqualsToken, ['+=']],
  [ts.SyntaxKind.AmpersandEqualsToken, ['|=']],
  [ts.SyntaxKind.BarEqualsToken, ['&=']],
  [ts.SyntaxKind.CaretEqualsToken, ['|=']],
]);

const methods: ReadonlyMap<string, string> = new Map([
  ['min', 'max'],
  ['max', 'min'],
  ['floor', 'ceil'],
  ['ceil', 'floor'],
  ['some', 'every'],
  ['every', 'some'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
]);

/** Steps of a chain that can be left out. */
const steps: ReadonlySet<string> = new Set(['filter', 'toLowerCase', 'toUpperCase', 'toSorted', 'toReversed', 'trim']);

/** Methods that only bring memory near: without them everything is the same, a little later. */
const withoutEffect: ReadonlySet<string> = new Set(['preload']);

/** Every mutant of one source text. */
export function mutantsOf(file: string, text: string): readonly Mutant[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const add = (node: ts.Node, ...replacements: readonly string[]) => {
    const [start, end] = [node.getStart(tree), node.getEnd()];
    const line = tree.getLineAndCharacterOfPosition(start).line + 1;
    for (const replacement of replacements) {
      found.push({ file, line, start, end, replacement, original: text.slice(start, end) });
    }
  };
  const visit = (node: ts.Node): void => {
    if (!isLeftAlone(node)) {
      mutate(node, add);
      ts.forEachChild(node, visit);
    }
  };
  visit(tree);
  return found;
}

/** Types, modules, the words of an error, what has no effect, and what stands for an element that is always there. */
function isLeftAlone(node: ts.Node): boolean {
  return (
    isStopgap(node) ||
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    (ts.isNewExpression(node) && node.expression.getText().endsWith('Error')) ||
    (ts.isMethodDeclaration(node) && withoutEffect.has(node.name.getText()))
  );
}

/** `bytes[at] ?? 0`, `const [first = 0] = parts`: types ask for a value that no run ever takes. */
function isStopgap(node: ts.Node): boolean {
  if (!ts.isNumericLiteral(node) && !ts.isStringLiteral(node)) return false;
  const { parent } = node;
  // What a log says of a mistake; codes of one word are more than that.
  if (ts.isCallExpression(parent) && parent.expression.getText() === 'err' && node.text.includes(' ')) return true;
  if (ts.isBindingElement(parent)) return ts.isArrayBindingPattern(parent.parent);
  return (
    ts.isBinaryExpression(parent) &&
    parent.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken &&
    parent.right === node &&
    ts.isElementAccessExpression(parent.left)
  );
}

type Add = (node: ts.Node, ...replacements: readonly string[]) => void;

function mutate(node: ts.Node, add: Add): void {
  if (ts.isBinaryExpression(node)) {
    add(node.operatorToken, ...(operators.get(node.operatorToken.kind) ?? []));
    if (node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) add(node, node.right.getText());
  }
  if (ts.isNumericLiteral(node)) add(node, `(${node.text} + 1)`, ...(Number(node.text) === 0 ? [] : ['0']));
  if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, 'false');
  if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, 'true');
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
    add(node, node.operand.getText());
  if (ts.isIfStatement(node) || ts.isConditionalExpression(node)) {
    const condition = ts.isIfStatement(node) ? node.expression : node.condition;
    add(condition, 'true', 'false');
  }
  if (ts.isExpressionStatement(node) && isDroppable(node.expression)) add(node, ';');
  if (ts.isCallExpression(node)) mutateCall(node, add);
  if (ts.isStringLiteral(node) && !ts.isPropertyName(node.parent) && node.text !== '') add(node, "''");
}

/** A call or an assignment for its own sake. */
function isDroppable(expression: ts.Expression): boolean {
  if (ts.isVoidExpression(expression) || ts.isAwaitExpression(expression)) return isDroppable(expression.expression);
  if (ts.isBinaryExpression(expression)) return expression.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  return ts.isCallExpression(expression) && expression.expression.kind !== ts.SyntaxKind.SuperKeyword;
}

function mutateCall({ expression }: ts.CallExpression, add: Add): void {
  if (!ts.isPropertyAccessExpression(expression)) return;
  const { name } = expression;
  const other = methods.get(name.text);
  if (other !== undefined) add(name, other);
  if (steps.has(name.text)) add(expression.parent, expression.expression.getText());
}
