"""What answers mean to the rule `math`: classes of notation, each with pairs that are equal and pairs that are not."""

import pytest

from rewards._math.comparing.judge import judge

PAIR = ("gold", "given", "equal")


def agree(gold: str, given: str) -> bool:
    return bool(judge(gold, given))


@pytest.mark.parametrize(
    PAIR,
    [
        ("42", r"\neq 42", False),
        ("42", "> 42", False),
        ("42", r"\le 42", False),
        ("42", r"\not= 42", False),
        (r"\le 42", "42", False),
        ("42", "= 42", True),
        ("42", r"\approx 42", True),
        ("> 42", "x > 42", True),
        (r"x \le 42", r"\le 42", True),
        ("x > 42", "< 42", False),
    ],
)
def test_a_relation_in_front_counts(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        ("42", r"42 \text{ thousandths}", False),
        ("0.042", r"42 \text{ thousandths}", True),
        (r"\frac{3}{4}", r"3 \text{ quarters}", True),
        ("3", "3 quarters", False),
        ("42", r"42 \text{ squared}", False),
        ("1764", r"42 \text{ squared}", True),
        ("120", "5 factorial", True),
        ("5", "5 factorial", False),
        ("-5", r"5 \text{ degrees below zero}", True),
        ("5", r"5 \text{ below zero}", False),
        ("42", "42ish", False),
        ("42", "42 doubled", False),
        ("5 m^2", "5 meters squared", True),
        ("5", "5 units squared", True),
        ("30 seconds", "30 s", True),
        ("42", "42 apples", True),
    ],
)
def test_words_behind_a_number_count(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    "given",
    [
        r"\textnormal{42}",
        r"\textcolor{blue}{42}",
        r"{\color{red} 42}",
        r"\phantom{1}42",
        r"42\tag{1}",
        r"\large 42",
        r"\bf 42",
        r"42 \quad\checkmark",
    ],
)
def test_markup_says_nothing(given: str) -> None:
    assert agree("42", given)
    assert not agree("43", given)


def test_what_cannot_be_seen_is_no_answer() -> None:
    assert not agree("42", r"\phantom{42}")
    assert not agree("42", r"4\phantom{2}")


UNDEFINED = [
    r"\infty-\infty",
    r"0\cdot\infty",
    r"\frac{\infty}{\infty}",
    r"\infty^0",
    r"\ln 0-\ln 0",
    r"\frac{\ln 0}{\ln 0}",
    "0/0",
    r"\frac{x-x}{x-x}",
    "0^0",
    r"\tan\frac{\pi}{2}-\tan\frac{\pi}{2}",
    r"0\ln 0",
]


@pytest.mark.parametrize("given", UNDEFINED)
def test_what_has_no_value_equals_nothing(given: str) -> None:
    assert not any(agree(gold, given) or agree(given, gold) for gold in ("0", "1", "x", r"\infty", *UNDEFINED) if gold != given)
    assert agree(given, given)  # the same text is the same answer, whatever it means


def test_infinity_alone_is_an_answer() -> None:
    assert agree(r"\infty", r"+\infty")
    assert not agree(r"\infty", r"-\infty")
    assert agree("0", r"\cos\frac{\pi}{2}")
    assert agree("0", r"\cot\frac{\pi}{2}")


@pytest.mark.parametrize(
    PAIR,
    [
        ("3", "!3", False),
        ("3", "3'", False),
        ("3", "3?", False),
        ("3", r"\hat{3}", False),
        ("3", r"\vec{3}", False),
        ("3", "3...", False),
        ("3.14", r"3.14\ldots", False),
        ("v", r"\vec{v}", False),
        (r"\vec{AB}", r"\overrightarrow{AB}", True),
        (r"2\mathbf{i}+3\mathbf{j}", r"3\hat{j}+2\hat{\mathbf{i}}", True),
        ("3", "3.", True),
        ("yes", "Yes!", True),
    ],
)
def test_no_sign_is_dropped(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        (r"\frac{1}{3}", r"0.\dot{3}", True),
        (r"\frac{1}{3}", r"0.\bar{3}", True),
        (r"\frac{1}{3}", "0.(3)", True),
        (r"\frac{1}{3}", "0.333...", True),
        (r"\frac{1}{3}", "0.333", False),
        (r"\frac{1}{6}", r"0.1\dot{6}", True),
        (r"\frac{12}{99}", r"0.\dot{1}\dot{2}", True),
        (r"\frac{123}{999}", r"0.\dot{1}2\dot{3}", True),
        (r"\frac{123}{999}", r"0.12\dot{3}", False),
        (r"\frac{4}{33}", "0.1212...", True),
        ("0.5x", "0.5(x)", True),
    ],
)
def test_repeating_decimals(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


MATRIX = r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}"
SYSTEM = r"\begin{cases} x=1 \\ y=2 \end{cases}"
PIECES = r"f(x)=\begin{cases} x & x>0 \\ -x & x\le 0 \end{cases}"


@pytest.mark.parametrize(
    PAIR,
    [
        (MATRIX, "\\begin{pmatrix}\n1 & 2 \\\\\n3 & 4\n\\end{pmatrix}", True),
        (MATRIX, "\\left[\\begin{array}{cc}\n1 & 2 \\\\\n3 & 4 \\\\\n\\end{array}\\right]", True),
        (MATRIX, r"\begin{bmatrix} 1 & 2 \\[4pt] 3 & 4 \end{bmatrix}", True),
        (MATRIX, r"\begin{pmatrix} 1 & 3 \\ 2 & 4 \end{pmatrix}^T", True),
        (MATRIX, r"\begin{pmatrix} 1 & 3 \\ 2 & 4 \end{pmatrix}", False),
        (MATRIX, "\\begin{pmatrix}\n1 & 2 \\\\\n3 & 5\n\\end{pmatrix}", False),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1,2)^T", True),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 & 2 \end{pmatrix}", False),
        ("(1,2)", r"\begin{pmatrix} 1 & 2 \end{pmatrix}", True),
        (SYSTEM, "\\begin{cases}\ny=2, \\\\\nx=1.\n\\end{cases}", True),
        (SYSTEM, r"\left\{\begin{array}{l} x=1 \\ y=2 \end{array}\right.", True),
        (SYSTEM, "x=1, y=2", True),
        (SYSTEM, "(1,2)", True),
        (SYSTEM, "x=2, y=1", False),
        (PIECES, "f(x)=\\begin{cases}\n-x, & \\text{if } x\\leq 0, \\\\\nx, & \\text{if } 0<x.\n\\end{cases}", True),
        (PIECES, r"f(x)=\begin{cases} x & x>0 \\ x & x\le 0 \end{cases}", False),
        (PIECES, r"f(x)=\begin{cases} x & x\ge 0 \\ -x & x<0 \end{cases}", False),
        ("x=3", "\\begin{align*}\nx &= 1+2 \\\\\n&= 3\n\\end{align*}", True),
        ("x=4", "\\begin{align*}\nx &= 1+2 \\\\\n&= 3\n\\end{align*}", False),
        ("x=3, y=4", r"\begin{aligned} x &= 3 \\ y &= 4 \end{aligned}", True),
    ],
)
def test_environments_with_rows(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        ("p=5, q=2; p=7, q=2", "p=7, q=2; p=5, q=2", True),
        ("p=5, q=2; p=7, q=2", "(p,q)=(5,2),(7,2)", True),
        ("p=5, q=2; p=7, q=2", "p=5, q=7; p=2, q=2", False),
        ("p=5, q=2; p=7, q=2", "p=5, q=2", False),
        (r"x=1, y=2 \text{ or } x=3, y=4", "(1,2),(3,4)", True),
        ("x=1, y=2, x=3, y=4", "(1,4),(3,2)", False),
        (r"\{(1,2),(3,4)\}", r"\{(3,4),(1,2),(3,4)\}", True),
        (r"\{(1,2),(3,4)\}", r"\{(1,2),(3,4),(5,6)\}", False),
        ("(1,2),(1,2)", "(1,2)", False),
        ("x+y=3, x-y=1", "x-y=1, x+y=3", True),
        ("x+y=3, x-y=1", "x-y=3, x+y=1", False),
        ("(a) 3 (b) 4", r"\text{(b) } 4, \text{(a) } 3", True),
        ("(a) 3 (b) 4", "3, 4", True),
        ("(a) 3 (b) 4", "(a) 4 (b) 3", False),
        ("(a) 3 (b) 4", "4, 3", False),
        ("(a) 3 (b) 4", "(a) 3", False),
    ],
)
def test_answers_of_several_parts(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        (r"2\text{ hours }30\text{ minutes}", "2.5 hours", True),
        ("150 minutes", r"2\text{ hours and }30\text{ minutes}", True),
        ("2 hours 30 minutes", "2 hours 20 minutes", False),
        ("3 m, 50 cm", "3 m and 50 cm", True),
        ("12㎡", r"12\text{ m}^2", True),
        ("12㎡", "12 m", False),
        ("8", "八个", True),
        ("9", "八个", False),
        ("3005", "三千零五", True),
        ("-3", "负三", True),
        (r"\frac{1}{3}", "三分之一", True),
        (r"20\%", "百分之二十", True),
        (r"30\%", "百分之二十", False),
        ("105", "one hundred and five", True),
        ("2345", "two thousand three hundred forty-five", True),
        ("2.5", "two and a half", True),
        (r"\frac{3}{4}", "three-fourths", True),
        ("1", "a", False),
        ("12", "a dozen", True),
        (r"\emptyset", r"\text{There is no real solution}", True),
        (r"\text{no solution}", "方程无解", True),
        ("0", r"\text{no solution}", False),
    ],
)
def test_quantities_and_numbers_in_words(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        ("|x|<3", "-3<x<3", True),
        ("(-3,3)", "3>|x|", True),
        ("|x|<3", r"-3\le x\le 3", False),
        ("|x|>3", r"(-\infty,-3)\cup(3,\infty)", True),
        (r"|1-2x|\ge 3", r"x\le -1 \text{ or } x\ge 2", True),
        (r"|1-2x|\ge 3", r"-1\le x\le 2", False),
        ("A<B<C", "C>B>A", True),
        ("A<B<C", "C>A>B", False),
        (r"a\le b<c", r"c>b\ge a", True),
        (r"(-\infty,-5]\cup(-1,\infty)", "(-infinity, -5] U (-1, oo)", True),
        (r"-3\le a<2", "a in [-3,2)", True),
        (r"\{x : x^2=4\}", r"\{2,-2\}", True),
        (r"\{x \mid x^2=4\}", r"\{2\}", False),
        (r"\{x\in\mathbb{Z} : -1\le x<3\}", r"\{-1,0,1,2\}", True),
        (r"\{x\in\mathbb{Z} : 0<x<3\}", "(0,3)", False),
        (r"\{x\in\mathbb{R} : 0<x<3\}", "(0,3)", True),
        (r"\{x^2 \mid 0<x<3\}", "(0,3)", False),
        (r"\{2k+1 \mid k\in\mathbb{Z}\}", r"\{2n-1 : n\in\mathbb{Z}\}", True),
    ],
)
def test_sets_however_they_are_described(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


FAMILY = r"\frac{\pi}{2}+n\pi, n\in\mathbb{Z}"


@pytest.mark.parametrize(
    PAIR,
    [
        (FAMILY, r"x=\frac{\pi}{2}+k\pi, k\in\mathbb{Z}", True),
        (FAMILY, r"x = k\pi+\frac{\pi}{2} \quad (k\in\mathbf{Z})", True),
        (FAMILY, r"\frac{\pi}{2}+n\pi \text{ where } n \text{ is an integer}", True),
        (FAMILY, r"-\frac{\pi}{2}+n\pi, n\in\mathbb{Z}", True),
        (FAMILY, r"\pm\frac{\pi}{2}+2k\pi, k\in\mathbb{Z}", True),
        (FAMILY, r"\frac{\pi}{2}+n\pi", True),
        (FAMILY, r"\frac{\pi}{2}+2n\pi, n\in\mathbb{Z}", False),
        (FAMILY, r"\frac{\pi}{2}+n\pi, n\in\mathbb{N}", False),
        (FAMILY, r"\frac{\pi}{2}", False),
        (r"\frac{\pi}{2}+n\pi", r"\frac{\pi}{2}+k\pi", False),  # nothing says that they are integers
        (r"(2k\pi,2k\pi+\pi), k\in\mathbb{Z}", r"(2n\pi,(2n+1)\pi), n\in\mathbb{Z}", True),
        (r"90^\circ+180^\circ n, n\in\mathbb{Z}", r"90^\circ+k\cdot 180^\circ, k\in\mathbb{Z}", True),
    ],
)
def test_families_over_the_integers(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


def test_a_unit_that_is_cut_off_is_no_unit() -> None:
    assert not agree("5", "5 per")
    assert not agree("5", "5 m/")


@pytest.mark.parametrize(
    PAIR,
    [
        ("f(0)", "f(1)", False),
        ("0", "I(0)", False),
        ("2f(3)", r"2f\left(3\right)", True),
        ("0", "4x^2+8x+19=0", False),
        ("0", "a+b=0", True),
        ("It is the plane $2x+3y-z=0$", "It is the plane $x+y-z=0$", False),
        ("|AB|=1", "1", True),
        (r"\frac{NO}{BO}=\frac{1}{\sqrt{6}}", r"\frac{1}{\sqrt{6}}", True),
        ("x^2+y^2=1", "1", False),
        ("0<f(x)<1", "(0,1)", True),
        ("y=2x+3", "f(x)=2x+3", True),
        ("y=2x+3", "f(x)=3x+2", False),
        ("x=2y+3", "f(x)=2y+3", False),
    ],
)
def test_what_a_side_of_an_equation_names(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        (r"\{(-7, 1)\}", "(-7, 1)", True),
        (r"\{(-7, 1), (2, 3)\}", "(-7, 1)", False),
        ("67", r"67 oder \text{sixty-six}", False),
        (r"2^6 3^5", r"2^6\cdot 3^5", True),
        (r"F_n = \sum_{k=0}^{n-1} F_k F_{n-k-1}", r"F_n = \sum_{k=0}^{n-1} F_{n-k-1} F_k", True),
        (r"\sum_{k=0}^{n-1} F_k F_{n-k-1}", r"\sum_{k=0}^{n} F_{n-k-1} F_k", False),
        (r"\sum_{k=1}^{n} k", r"\prod_{k=1}^{n} k", False),
        ("6", r"\sum_{k=1}^{3} k", False),
        (r"\lfloor 2.5x \rfloor", r"\operatorname{floor}(2.5x)", True),
        (r"\lceil x \rceil", r"\operatorname{ceil}(x)", True),
        (r"\lceil x \rceil", r"\operatorname{floor}(x)", False),
        ("2", "floor(2.5)", True),
        ("|x|", "abs(x)", True),
        ("||x||y||", r"|x|\cdot|y|", True),
        ("||x||y||", "|x+y|", False),
        (r"(a+2)(b-4)", r"\{a+2\}\{b-4\}", True),
        (r"\sin\theta", r"\sin\{\theta\}", True),
        (r"2x+2y-2", r"2\{x+[1-(2-y)]\}", True),
        ("2x", r"2\{x\}", False),  # the fractional part
        ("0", r"x-\{x\}", False),
        (r"(n-2) 2^{n}+1", r"1+2^n\cdot(n-2)", True),
        ("6", "2 3", False),
        ("18", "2 3^2", False),
        (r"63^{\circ} 45^{\prime}", r"63.75^\circ", True),
        (r"63^{\circ} 45^{\prime}", r"63^\circ 44'", False),
        ("f'(x)", r"f^{\prime}(x)", True),
        ("f'(x)", "f(x)", False),
        (r"\lambda_{\text{red}}", r"\lambda_{red}", True),
        (r"\lambda_{\text{red}}", r"\lambda_{\text{blue}}", False),
        (r"\frac{1}{2}", r"\\frac{1}{2}", True),
        (r"-2\le x\le 7", r"-2 \\le x \\le 7", True),
        (r"1\le|z|\le\frac32", r"[-\frac32,-1]\cup[1,\frac32]", True),
        (r"\bigcup_{k=-\infty}^{\infty}(2k\pi,(2k+2)\pi)", r"(2n\pi,2n\pi+2\pi), n\in\mathbb{Z}", True),
        (r"(2t,1-t) \text{ for all real numbers } t", r"(2s,1-s), s\in\mathbb{R}", True),
        (r"(2t,1-t) \text{ for all real numbers } t", r"(2s,1+s), s\in\mathbb{R}", False),
        (r"2x, x\in\mathbb{R}", "2y", False),
    ],
)
def test_notations_of_other_data_sets(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        (r"\mathbb{R}", "all real numbers", True),
        (r"x \ne -6", r"R \ {-6}", True),
        (r"x \ne -6", "ℝ ∖ {-6}", True),
        (r"x \ne -6", r"R \ {6}", False),
        (r"\emptyset", "no solutions", True),
        (r"6b-6\lambda+5", "6b - 6*lambda + 5", True),
        (r"\sqrt{\theta}", "sqrt(theta)", True),
        (r"\sqrt{\theta}", "sqrt(eta)", False),
        (r"\frac{x+1}{2}", r"{x+1 \over 2}", True),
        (r"\frac{1}{2}+\frac{3}{4}x", r"\frac{1}{2}+{3 \over 4}x", True),
        (r"\frac{1}{2}", r"1 \over 2", True),
        (r"\frac{1}{2}", r"{1 \over 3}", False),
        (r"\binom{7}{6}", "C(7, 6)", True),
        (r"\binom{7}{6}", "C_7^6", True),
        (r"\binom{7}{6}", r"{7 \choose 6}", True),
        (r"\binom{7}{6}", "C(6, 7)", False),
        ("(7,6)", "C(7, 6)", False),
        (r"\text{5B1}_{16}", r"(\text{5B1})_{16}", True),
        (r"\text{5B1}_{16}", "7B1_{16}", False),
        ("1001_2", "1001 (base 2)", True),
        ("3:8", "9:24", True),
        ("10:30", "1:3", False),  # may be a time of day
        (r"1+\sqrt{6}, 1-\sqrt{6}", "1 +/- sqrt(6)", True),
        (r"(-\infty,-\sqrt{2})\cup(1,2]", r"]-\infty,-\sqrt{2}[ \cup ]1,2]", True),
        ("[1,2)", "]1,2[", False),
        ("60 km/h", "60千米/时", True),
        ("AB=4^4", r"\text{not } AB=4^4", False),
        (r"\$18", "USD 18", True),
    ],
)
def test_plain_text_and_regional_notations(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal


@pytest.mark.parametrize(
    PAIR,
    [
        (r"\$18", "18千焦", False),
        ("5 apples", "5 cm", False),
        ("5 apples", "5", True),
        (r"25\%", r"25\text{ students}", False),
        (r"40894\text{ m}^2", "40894 mm", False),
        ("5 mm", "0.5 cm", True),
        (r"n=4^6", r"\text{at least } n=4^6", False),
        (r"x\ne -8, x\ne 1", "R \\ {-8, 1}", True),
        (r"x\ne -8, x\ne 1", "R \\ {-8, 2}", False),
        (r"\{-4\}\cup[-1,\frac56]", "{-4} U [-1, 5/6]", True),
        (r"\{-4\}\cup[-1,\frac56]", r"x=-4 \lor \frac56\ge x\ge -1", True),
        (r"\{-4\}\cup[-1,\frac56]", "[-1, 5/6]", False),
    ],
)
def test_kinds_of_quantities_and_sets_are_kept_apart(gold: str, given: str, equal: bool) -> None:
    assert agree(gold, given) is equal
